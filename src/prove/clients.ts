import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Backend } from "./backend.ts";
import type { Gateway } from "./gateway.ts";
import type { Tally } from "./tally.ts";

/** One invoice that somebody wants: the number is its key, too. */
export type Intent = { number: string };

type Seen = { status: number; code: string | undefined; isReplay: boolean; body: string };

/** Beyond this a client would have told its user. */
const GIVES_UP_AFTER_MS = 60_000;
const PAUSE_MS = 100;
/** Of the answers that arrive, so many are lost on their way: their clients send again. */
const LOST = 0.2;
/** So many clients leave their first attempt, within LEAVES_WITHIN_MS. */
const LEAVING = 0.05;
const LEAVES_WITHIN_MS = 50;

const Problem = z.object({ code: z.string() });
const Records = z.object({ records: z.array(z.object({ name: z.string(), owner: z.string(), state: z.string() })) });

/** Clients that retry as they should, and an operator who looks into the backend where nobody else can tell. */
export class Clients {
  readonly #gateways: readonly Gateway[];
  readonly #backend: Backend;
  readonly #tally: Tally;
  readonly #authorization: string;
  #turn = 0;

  /** `scope`: of this run alone, so that its keys meet nobody else's. */
  constructor(gateways: readonly Gateway[], backend: Backend, tally: Tally, scope: string) {
    this.#gateways = gateways;
    this.#backend = backend;
    this.#tally = tally;
    this.#authorization = `Bearer ${scope}`;
  }

  /** Sends until there is an answer. `set-aside`: nobody knows, and the backend has nothing (yet). */
  async carryOut(intent: Intent): Promise<"answered" | "set-aside"> {
    if (Math.random() < LEAVING)
      await this.#send(intent, AbortSignal.timeout(Math.round(LEAVES_WITHIN_MS * Math.random()))).catch(() => {});
    for (const giveUpAt = performance.now() + GIVES_UP_AFTER_MS; performance.now() < giveUpAt; await sleep(PAUSE_MS)) {
      const seen = await this.#send(intent).catch(() => undefined); // it was killed, or is down
      if (seen?.code === "outcome-unknown") {
        if (!(await this.#resolveAsExecuted(intent))) return "set-aside";
      } else if (seen?.code === undefined && seen?.status === 201) {
        this.#tally.answered(intent.number, seen.body, seen.isReplay);
        if (Math.random() >= LOST) return "answered";
      } else if (seen?.code === "store-lost-data") throw new Error("the store lost data: see docs/loss.md");
    }
    this.#tally.gaveUp(intent.number);
    return "answered";
  }

  /**
   * For those that were set aside, once no gateway is killed any more: looks twice into the backend, as far apart as the gateway
   * says, resolves accordingly and sends again.
   */
  async settle(setAside: readonly Intent[]): Promise<void> {
    await Promise.all(
      setAside.map(async (intent) => {
        for (;;) {
          if (await this.#resolveAsExecuted(intent)) break;
          const inSeconds = await this.#resolve(intent, { verdict: "not-executed", why: "no such invoice" });
          if (inSeconds === undefined) break;
          await sleep(1_000 * inSeconds);
        }
        await this.carryOut(intent);
      }),
    );
  }

  /** The very last word on every intent, through every gateway: the answer that its client saw. */
  async askAgain(intents: readonly Intent[]): Promise<void> {
    for (const intent of intents)
      for (const { doors } of this.#gateways) {
        const seen = await this.#send(intent, undefined, doors?.url).catch(() => undefined);
        this.#tally.atTheEnd(intent.number, seen?.isReplay === true ? seen.body : undefined);
      }
  }

  async #resolveAsExecuted(intent: Intent): Promise<boolean> {
    const [answer] = this.#backend.invoices(intent.number);
    if (answer === undefined) return false;
    const headers = [["content-type", "application/json"]];
    const bodyBase64 = Buffer.from(answer).toString("base64");
    const verdict = { verdict: "executed", why: "the invoice is there", answer: { status: 201, headers, bodyBase64 } };
    await this.#resolve(intent, verdict);
    return true;
  }

  /** As an operator does, through the admin port. Resolves to when to look again, where it must be said twice. */
  async #resolve({ number }: Intent, verdict: object): Promise<number | undefined> {
    const admin = this.#gateways.find(({ doors }) => doors !== undefined)?.doors?.admin;
    if (admin === undefined) return 0;
    try {
      const found = Records.parse(await ask(new URL(`/records?clientKey=${number}`, admin)));
      const record = found.records.find(({ state }) => state === "unknown");
      if (record === undefined) return undefined;
      const body = { ...verdict, owner: record.owner, by: "oncegate prove" };
      const said = await ask(new URL(`/records/${record.name}/resolution`, admin), body);
      const { outcome, inSeconds } = z.object({ outcome: z.string(), inSeconds: z.number().optional() }).parse(said);
      if (outcome === "resolved") this.#tally.resolved();
      return inSeconds;
    } catch {
      return 0; // it was killed meanwhile, or another was faster
    }
  }

  async #send({ number }: Intent, signal?: AbortSignal, url = this.#next()): Promise<Seen> {
    if (url === undefined) throw new Error("every gateway is down");
    const answer = await fetch(new URL("/invoices", url), {
      method: "POST",
      headers: { authorization: this.#authorization, "x-idempotency-key": number },
      body: number,
      ...(signal === undefined ? {} : { signal }),
    });
    const body = await answer.text();
    const isProblem = answer.headers.get("content-type") === "application/problem+json";
    const code = isProblem ? Problem.parse(JSON.parse(body)).code : undefined;
    return { status: answer.status, code, isReplay: answer.headers.get("idempotent-replayed") === "true", body };
  }

  #next(): string | undefined {
    const open = this.#gateways.flatMap(({ doors }) => (doors === undefined ? [] : [doors.url]));
    return open[this.#turn++ % Math.max(1, open.length)];
  }
}

async function ask(url: URL, body?: object): Promise<unknown> {
  const told =
    body === undefined
      ? {}
      : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(url, told);
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  return answer.json();
}
