import type { Entry, FaultEntry } from "../history.ts";
import { UPSTREAM_TIMEOUT_MS } from "../limits.ts";
import { Losses } from "./losses.ts";
import type { Told } from "./operations.ts";
import { isMischievous } from "../upstream/behaviour.ts";

/**
 * What may leave an outcome unknown for good: the operation's own gateway did not live on, or the upstream's answer did not
 * reach it. No trouble with a store that keeps its writes does while the gateway lives (settles are sent until it answers, withdrawals
 * too), nor a wall clock, nor a client that leaves.
 */
const OF_ITS_GATEWAY = new Set([
  "kill",
  "pause",
  "terminate",
  "upstream-cut",
  "upstream-stalled",
  "upstream-replies-lost",
]);
const OF_THE_UPSTREAM = new Set(["upstream-killed", "upstream-down", "upstream-paused"]);

const isFault = (entry: Entry): entry is FaultEntry => entry.what === "fault";

/** Faults in the order of their ends, to be asked for those that overlap with a time. */
export class Faults {
  readonly losses: Losses;
  readonly #faults: FaultEntry[];

  constructor(history: readonly Entry[]) {
    this.losses = new Losses(history);
    this.#faults = history.filter(isFault).toSorted((a, b) => a.until - b.until);
  }

  during(from: number, to: number): FaultEntry[] {
    let low = 0;
    for (let high = this.#faults.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#faults[middle]!.until < from) low = middle + 1;
      else high = middle;
    }
    return this.#faults.slice(low).filter(({ at }) => at <= to);
  }
}

export const isUnknown = ({ ending }: Told["tried"][number]): boolean =>
  ending.kind === "answer" && ending.code === "outcome-unknown";

/** From the answer in the kernel to the settle in the store, on a busy machine. */
const SETTLED_AFTER_MS = 1_000;
/** A settle is sent again this long after the trouble that kept it: a new connection, the longest pause between two tries, slack. */
const RESENT_AFTER_MS = 3_000;

/** The store's own troubles and those of its lines; with SQLite a paused gateway may hold the file for all. */
const delaysSettles = ({ kind }: FaultEntry): boolean => /^(redis|sqlite|store)-/.test(kind) || kind === "pause";

/** Why an operation that ended as unknown is so, as kinds of faults; empty where nothing of the run explains it. */
export function explain(told: Told, faults: Faults): string[] {
  const last = told.arrivals.at(-1);
  if (last !== undefined && isMischievous(last.behaviour)) return [`upstream ${last.behaviour}`];
  const { from, to } = exposure(told, faults);
  // Without an arrival it may have been any gateway that was asked.
  const gateways = new Set(last === undefined ? told.tried.map(({ gateway }) => gateway) : [last.gateway]);
  const explaining = faults
    .during(from, to)
    .filter(({ kind, target }) => OF_THE_UPSTREAM.has(kind) || (OF_ITS_GATEWAY.has(kind) && gateways.has(target)));
  // Where only the last writes are lost, a claim may be left without its settle.
  const halves = faults.losses.of(told).filter(({ extent }) => extent === "tail");
  return [...new Set([...explaining, ...halves].map(({ kind }) => kind))];
}

/** When a fault could make it unknown: from its sending until it was settled, which takes as long as the store is in trouble. */
function exposure({ tried, arrivals }: Told, faults: Faults): { from: number; to: number } {
  const last = arrivals.at(-1);
  if (last === undefined) {
    const told = tried.find(isUnknown)?.until ?? Infinity;
    return { from: Math.min(...tried.map(({ at }) => at)), to: told + UPSTREAM_TIMEOUT_MS };
  }
  const from = last.at - UPSTREAM_TIMEOUT_MS; // on its way no longer than its gateway waits for it
  let to = (last.answeredAt ?? from + 2 * UPSTREAM_TIMEOUT_MS) + SETTLED_AFTER_MS;
  for (;;) {
    const trouble = faults.during(from, to).filter(delaysSettles);
    const over = Math.max(...trouble.map(({ until }) => until)) + RESENT_AFTER_MS;
    if (over <= to) return { from, to };
    to = over;
  }
}
