import type { Counts } from "../gateway/counts.ts";
import type { Entry } from "../history.ts";
import { endOf } from "./endings.ts";
import type { Told } from "./operations.ts";
import type { Violation } from "./violation.ts";

/** What may be more at the end. The heap: code that was compiled meanwhile, and caches that have a bound. */
const ALLOWED: Counts = { sockets: 0, listeners: 0, heapBytes: 32 * 1024 * 1024 };

/** Sockets, listeners and memory of every gateway return to what they were, and the store holds one record for each key. */
export function checkHoldings(history: readonly Entry[], operations: readonly Told[]): Violation[] {
  const violations: Violation[] = [];
  let recreated = 0;
  const started = new Map<string, Counts>();
  for (const entry of history) {
    if (entry.what === "counts" && entry.when === "start") started.set(entry.gateway, entry.counts);
    if (entry.what === "counts" && entry.when === "end") {
      const before = started.get(entry.gateway);
      for (const name of ["sockets", "listeners", "heapBytes"] as const)
        if (before !== undefined && entry.counts[name] > before[name] + ALLOWED[name])
          violations.push(
            leak(entry.gateway, `${name}: ${before[name]} at the start, ${entry.counts[name]} at the end`),
          );
    }
    if (entry.what === "alarm" && entry.kind === "record-recreated") recreated++;
    if (entry.what === "records") violations.push(...checkRecords(entry, operations, recreated));
  }
  return violations;
}

/** `recreated`: what was settled behind a loss may stand under a name that nobody finds any more, where the secret of names was lost, too. */
function checkRecords(
  { records, unknown }: Entry & { what: "records" },
  operations: readonly Told[],
  recreated: number,
): Violation[] {
  const ends = operations.map(endOf).filter((end) => end !== undefined && end !== "open");
  const unknowns = ends.filter((end) => end === "unknown").length;
  const violations: Violation[] = [];
  if (records < ends.length || records > ends.length + recreated)
    violations.push(leak("store", `${records} records for ${ends.length} keys`));
  if (unknown !== unknowns)
    violations.push(leak("store", `${unknown} unknown by its own count, ${unknowns} by what clients are told`));
  return violations;
}

const leak = (name: string, what: string): Violation => ({ kind: "leak", name, what });
