import { setTimeout as sleep } from "node:timers/promises";
import { INVOICE } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { post } from "./keyed-post.ts";
import type { Seen } from "./keyed-post.ts";

/** Clients that make one invoice after another and retry each until they have its answer, through all gateways in turn. */
type Load = {
  /** Invoices whose client has its answer. */
  done(): number;
  interrupted(): number;
  /** Ends it: every client retries its last one to the end. Resolves to all that was seen. */
  finish(): Promise<Outcome>;
};

type Outcome = {
  /** The answer of each invoice, by its number. */
  answers: Map<string, string>;
  /** How often each interruption was answered, "503 store-unavailable" for instance. */
  interruptions: Map<string, number>;
  /** Interruptions that are not answered as they must be. */
  wrong: string[];
};

const CLIENTS = 16;
/** As little as clients may wait: failures are to be met, not waited out. */
const PAUSE_MS = 150;

/** Load before, during and after an interruption; resolves when every client is through. */
export async function loadThrough(urls: readonly string[], interrupt: (load: Load) => Promise<void>): Promise<Outcome> {
  const load = startLoad(urls);
  await until("invoices before", () => load.done() >= 100);
  await interrupt(load);
  const before = load.done();
  await until("invoices after", () => load.done() >= before + 200);
  const outcome = await load.finish();
  console.log(`${outcome.answers.size} invoices, interrupted:`, Object.fromEntries(outcome.interruptions));
  return outcome;
}

function startLoad(urls: readonly string[]): Load {
  const outcome: Outcome = { answers: new Map(), interruptions: new Map(), wrong: [] };
  const over = new AbortController();
  let sent = 0;

  const makeInvoice = async (number: string): Promise<void> => {
    const body = JSON.stringify({ ...INVOICE, number });
    await until(`an answer for invoice ${number}`, async () => {
      const seen = await post(urls[sent++ % urls.length]!, number, { body }).catch(String);
      if (typeof seen !== "string" && seen.status === 201) {
        outcome.answers.set(number, seen.text);
        return true;
      }
      const what = typeof seen === "string" ? seen : `${seen.status} ${seen.code}`;
      outcome.interruptions.set(what, (outcome.interruptions.get(what) ?? 0) + 1);
      if (typeof seen === "string" || !isInOrder(seen)) outcome.wrong.push(`${number}: ${what}`);
      await sleep(PAUSE_MS);
      return undefined;
    });
  };
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let i = 0; !over.signal.aborted; i++) await makeInvoice(`${client}-${i}`);
  });
  return {
    done: () => outcome.answers.size,
    interrupted: () => outcome.interruptions.values().reduce((sum, count) => sum + count, 0),
    async finish() {
      over.abort();
      await Promise.all(clients);
      return outcome;
    },
  };
}

/** 503 where the store is away, 409 while somebody else's or an earlier attempt's operation runs; both say when to come back. */
function isInOrder({ status, code, headers }: Seen): boolean {
  const isSaid = Number(headers.get("retry-after")) >= 1;
  return isSaid && ["503 store-unavailable", "409 operation-in-flight"].includes(`${status} ${code}`);
}

/** What must not be: each list is empty where every client was served and every invoice made once. */
type Faults = { wrong: string[]; notReplayed: string[]; notOnce: [number: string, count: number][] };

/** Retries every invoice through every gateway, and then counts what there is: one that was forgotten is made again by that. */
export async function faultsOf(outcome: Outcome, urls: readonly string[], api: SampleApi): Promise<Faults> {
  const notReplayed: string[] = [];
  for (const [number, text] of outcome.answers) {
    const body = JSON.stringify({ ...INVOICE, number });
    for (const url of urls) {
      const seen = await post(url, number, { body });
      if (!seen.isReplay || seen.text !== text) notReplayed.push(`${number}: ${seen.status} ${seen.code}`);
    }
  }
  const answer = await fetch(`${api.url}/invoices`, { headers: { authorization: "Bearer oracle" } });
  const { invoices } = (await answer.json()) as { invoices: { number: string }[] };
  const made = Map.groupBy(invoices, ({ number }) => number);
  const numbers = [...new Set([...outcome.answers.keys(), ...made.keys()])];
  const counts = numbers.map((number): [string, number] => [number, made.get(number)?.length ?? 0]);
  return { wrong: outcome.wrong, notReplayed, notOnce: counts.filter(([, count]) => count !== 1) };
}

export const NO_FAULTS: Faults = { wrong: [], notReplayed: [], notOnce: [] };
