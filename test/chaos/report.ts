import { endOf } from "./checker/endings.ts";
import { Faults, explain } from "./checker/explain.ts";
import { operationsOf } from "./checker/operations.ts";
import type { Told } from "./checker/operations.ts";
import { VIOLATIONS } from "./checker/violation.ts";
import type { Violation } from "./checker/violation.ts";
import { GAPS, THREAD_GAPS } from "./gateway/gap.ts";
import type { Gap } from "./gateway/gap.ts";
import type { Entry, FaultEntry } from "./history.ts";
import type { LedgerLine } from "./upstream/ledger.ts";

/** How often each fault was injected, by kind. What the upstream does to single requests and clients who leave count as well. */
export function injected(history: readonly Entry[], ledger: readonly LedgerLine[]): Map<string, number> {
  const kinds = [
    ...history.filter(isFault).map(({ kind }) => kind),
    ...ledger.flatMap((line) =>
      line.what === "received" && line.behaviour !== "answers" ? [`upstream ${line.behaviour}`] : [],
    ),
    ...history.flatMap((entry) =>
      entry.what === "attempt" && entry.leaves !== undefined ? [`client leaves ${entry.leaves}`] : [],
    ),
  ];
  return new Map([...Map.groupBy(kinds, (kind) => kind)].map(([kind, of]) => [kind, of.length]));
}

/** How often gateways were stopped in each gap of the pipeline. */
export function stopped(history: readonly Entry[]): Map<Gap, { kill: number; pause: number }> {
  const faults = history.filter(isFault);
  const inGap = (gap: Gap, kind: string): number =>
    faults.filter((fault) => fault.gap === gap && fault.kind === kind).length;
  return new Map(
    [...GAPS, ...THREAD_GAPS].map((gap) => [gap, { kill: inGap(gap, "kill"), pause: inGap(gap, "pause") }]),
  );
}

const isFault = (entry: Entry): entry is FaultEntry => entry.what === "fault";

/** What a run did and what became of it, for people. */
export function report(
  history: readonly Entry[],
  ledger: readonly LedgerLine[],
  violations: readonly Violation[],
): string {
  const operations = operationsOf(history, ledger);
  const attempts = operations.reduce((sum, { tried }) => sum + tried.length, 0);
  const acted = ledger.filter(({ what }) => what === "acted").length;
  const unstored = history.filter(
    (entry) => entry.what === "ended" && entry.ending.kind === "answer" && !entry.ending.stored,
  ).length;
  const count = (end: string): number => operations.filter((told) => endOf(told) === end).length;
  return [
    `${operations.length} keys, ${attempts} attempts, ${acted} executions: ${count("completed")} completed, ` +
      `${count("not-kept")} completed and too large to keep, ${count("unknown")} unknown, ${count("open")} open`,
    `${unstored} times a client was told that its answer is not stored`,
    "faults injected:",
    ...[...injected(history, ledger)].toSorted(byName).map(([kind, n]) => `  ${kind} ${n}`),
    "kills and pauses in each gap of the pipeline:",
    ...[...stopped(history)]
      .filter(([, { kill, pause }]) => kill + pause > 0)
      .map(([gap, { kill, pause }]) => `  ${gap} ${kill} + ${pause}`),
    "unknown at the end, of the operations that each fault came upon:",
    ...unknownShares(history, operations),
    ...found(violations),
  ].join("\n");
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => a.localeCompare(b);

function unknownShares(history: readonly Entry[], operations: readonly Told[]): string[] {
  const faults = new Faults(history);
  const shares = new Map<string, { unknown: number; all: number }>();
  for (const told of operations) {
    const isUnknown = endOf(told) === "unknown";
    for (const kind of explain(told, faults)) {
      const share = shares.get(kind) ?? { unknown: 0, all: 0 };
      shares.set(kind, { unknown: share.unknown + (isUnknown ? 1 : 0), all: share.all + 1 });
    }
  }
  return [...shares].toSorted(byName).map(([kind, { unknown, all }]) => {
    return `  ${kind} ${unknown} of ${all} (${((100 * unknown) / all).toFixed(1)} %)`;
  });
}

function found(violations: readonly Violation[]): string[] {
  if (violations.length === 0) return ["no violation"];
  const byKind = Map.groupBy(violations, ({ kind }) => kind);
  return [...byKind].flatMap(([kind, of]) => [
    `VIOLATION ${kind} (${of.length}): ${VIOLATIONS[kind]}`,
    ...of.slice(0, 5).map(({ name, what }) => `  ${name}: ${what}`),
  ]);
}
