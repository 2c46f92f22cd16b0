import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { send } from "./attempt.ts";
import type { Sending } from "./attempt.ts";
import { Dice } from "./dice.ts";
import { digest } from "./digest.ts";
import type { Ending, History } from "./history.ts";
import { now } from "./limits.ts";
import { operation, otherTenant } from "./operation.ts";
import type { Mischief, Operation, Sequel } from "./operation.ts";
import { tokenFor } from "./token.ts";
import { PLAIN } from "./upstream/behaviour.ts";
import type { Behaviour } from "./upstream/behaviour.ts";

/** Where a client can connect. */
export type Door = { name: string; port: number };

/** As many as SDKs send before they tell their user; what is left then is told at the end of the run. */
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_500;

/** For an answer that did not come because the machine is busy. */
const LAST_TRIES_MS = 2_000;

type Intent = { tenant: string; key: string; body: string; credential: number };

/** The clients of a run: each works through its operations, one after the other, until it is told to stop. */
export class Clients {
  readonly #history: History;
  readonly #doors: readonly Door[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512 });
  /** Every (scope, key) that was ever sent, for the final retries. */
  readonly #intents = new Map<string, Intent>();
  #attempts = 0;

  constructor(history: History, doors: readonly Door[]) {
    this.#history = history;
    this.#doors = doors;
  }

  /** Begins one operation after the other until the time is over; resolves when the last one is done with. */
  async work(seed: string, client: number, mischief: Mischief, until: number): Promise<void> {
    for (let n = 0; now() < until; n++) {
      const dice = new Dice(seed, "client", client, n); // one for each: how often it retries changes no later one
      await this.#carryOut(operation(seed, client, n, mischief), dice);
      await sleep(dice.whole(0, 100));
    }
  }

  /** Every key is retried to its end, at each door; `settledAt`: no operation may be in flight any more. */
  async retryAll(settledAt: number): Promise<void> {
    const left = [...this.#intents.values()];
    const one = async (): Promise<void> => {
      for (let intent = left.pop(); intent !== undefined; intent = left.pop())
        await this.#retryToTheEnd(intent, settledAt);
    };
    await Promise.all(Array.from({ length: 16 }, one));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #carryOut({ behaviours, leaves, racers, sequels, ...asked }: Operation, dice: Dice): Promise<void> {
    const intent = { ...asked, credential: 1 };
    const racing = Array.from({ length: racers - 1 }, () =>
      this.#attempt(intent, dice.pick(this.#doors), behaviours[0]),
    );
    let isDone = false;
    for (let n = 0; n < ATTEMPTS && !isDone; n++) {
      const behaviour = behaviours[Math.min(n, behaviours.length - 1)];
      const first = n === 0 ? { leaves } : {};
      const { ending, retryAfterMs } = await this.#attempt(intent, dice.pick(this.#doors), behaviour, first);
      isDone = isTheEnd(ending);
      if (isDone && isSuccess(ending)) for (const sequel of sequels) await this.#follow(intent, sequel, dice);
      const backoff = Math.min(FIRST_PAUSE_MS * 2 ** n, LONGEST_PAUSE_MS) * (0.5 + dice.next());
      if (!isDone) await sleep(Math.min(Math.max(backoff, retryAfterMs * dice.next()), LONGEST_PAUSE_MS));
    }
    await Promise.all(racing);
  }

  async #follow(intent: Intent, sequel: Sequel, dice: Dice): Promise<void> {
    await this.#attempt(variant(intent, sequel), dice.pick(this.#doors));
  }

  async #retryToTheEnd(intent: Intent, settledAt: number): Promise<void> {
    for (const door of this.#doors) {
      const giveUpAt = Math.max(settledAt, now() + LAST_TRIES_MS);
      for (;;) {
        const { ending } = await this.#attempt(intent, door, PLAIN, { isFinal: true });
        if (isTheEnd(ending) || now() > giveUpAt) break;
        await sleep(100);
      }
    }
  }

  async #attempt(
    { tenant, key, body, credential }: Intent,
    door: Door,
    behaviour: Behaviour = PLAIN,
    { isFinal = false, leaves }: { isFinal?: boolean; leaves?: Sending["leaves"] } = {},
  ): Promise<{ ending: Ending; retryAfterMs: number }> {
    const id = this.#attempts++;
    const authorization = tokenFor(tenant, credential);
    const name = `${tenant}/${key}`;
    // Of a key that is reused for something else only the first use is retried.
    if (!this.#intents.has(name)) this.#intents.set(name, { tenant, key, body, credential });
    const who = { gateway: door.name, tenant, key, body: digest(body), credential: digest(authorization) };
    const leaving = leaves === undefined ? {} : { leaves: leaves.phase };
    this.#history.add({ what: "attempt", id, at: now(), ...who, ...leaving, isFinal });
    const ended = await send({ port: door.port, authorization, key, body, behaviour, leaves, agent: this.#agent });
    this.#history.add({ what: "ended", id, at: now(), ending: ended.ending });
    return ended;
  }
}

function variant(intent: Intent, sequel: Sequel): Intent {
  switch (sequel) {
    case "again":
      return intent;
    case "other-body":
      return { ...intent, body: intent.body.replace("customer", "client") };
    case "other-credential":
      return { ...intent, credential: intent.credential + 1 };
    case "other-tenant":
      return { ...intent, tenant: otherTenant(intent.tenant) };
  }
}

const isSuccess = (ending: Ending): boolean => ending.kind === "answer" && ending.status >= 200 && ending.status < 300;

/** What no SDK would retry: it is answered, or it is refused for good. */
function isTheEnd(ending: Ending): boolean {
  if (ending.kind !== "answer") return false;
  switch (ending.code) {
    case "operation-in-flight":
    case "still-running":
    case "store-unavailable":
    case "store-lost-data":
    case "upstream-unreachable":
    case "overloaded":
    case "draining":
    case "internal":
      return false;
    case undefined:
      return ![429, 502, 503, 504].includes(ending.status) && !isDeclined(ending.status);
    default:
      return ending.status !== 502 && ending.status !== 504;
  }
}

/** The operation did not begin: here clients try again what they mended. */
const isDeclined = (status: number): boolean => status === 400 || status === 422;
