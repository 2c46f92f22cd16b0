import type { Attempt, Ending, Entry } from "../history.ts";
import type { LedgerLine } from "../upstream/ledger.ts";

/** One attempt and how it ended; `until` is infinite where the run was over before. */
export type Tried = Attempt & { until: number; ending: Ending };

/** One request that reached the upstream, with what it did: `acted` is an invoice. */
export type Arrival = Extract<LedgerLine, { what: "received" }> & {
  did: "acted" | "declined" | "nothing";
  /** Digest of what it answers, and the length of the body. */
  answer?: string;
  status?: number;
  bytes?: number;
  /** When the kernel had the whole answer. */
  answeredAt?: number;
};

/** All that is known of one (scope, key), each in the order of time. */
export type Told = { name: string; tried: Tried[]; arrivals: Arrival[] };

export const isSuccess = (ending: Ending): ending is Extract<Ending, { kind: "answer" }> =>
  ending.kind === "answer" && ending.code === undefined && ending.status >= 200 && ending.status < 300;

const nameOf = ({ tenant, key }: { tenant: string; key: string }): string => `${tenant}/${key}`;

/** History and ledger, by operation. */
export function operationsOf(history: readonly Entry[], ledger: readonly LedgerLine[]): Told[] {
  const told = new Map<string, Told>();
  const of = (name: string): Told => {
    const known = told.get(name) ?? { name, tried: [], arrivals: [] };
    told.set(name, known);
    return known;
  };
  const attempts = new Map<number, Tried>();
  for (const entry of history) {
    if (entry.what === "attempt") {
      const tried: Tried = { ...entry, until: Infinity, ending: { kind: "broken", why: "the run was over" } };
      attempts.set(entry.id, tried);
      of(nameOf(entry)).tried.push(tried);
    } else if (entry.what === "ended") {
      const tried = attempts.get(entry.id);
      if (tried !== undefined) Object.assign(tried, { until: entry.at, ending: entry.ending });
    }
  }
  const arrivals = new Map<string, Arrival>();
  for (const line of ledger) {
    if (line.what === "received") {
      const arrival: Arrival = { ...line, did: "nothing" };
      arrivals.set(line.request, arrival);
      of(nameOf(line)).arrivals.push(arrival);
      continue;
    }
    const arrival = arrivals.get(line.request);
    if (arrival === undefined) continue;
    if (line.what === "answered") arrival.answeredAt = line.at;
    else {
      const { what: did, answer, status } = line;
      Object.assign(arrival, { did, answer, status }, line.what === "acted" ? { bytes: line.bytes } : {});
    }
  }
  return [...told.values()];
}
