import type { Entry } from "./history.ts";
import { LEAVINGS } from "./operation.ts";
import { injected, stopped } from "./report.ts";
import { THREAD_GAPS } from "./gateway/gap.ts";
import { MISCHIEVOUS } from "./upstream/behaviour.ts";
import type { LedgerLine } from "./upstream/ledger.ts";

/** In each gap of the pipeline, kills and pauses together. */
const STOPS_IN_EACH_GAP = 20;

/** What a long run must have met to show anything, and did not: fault kinds that never came, gaps that were hardly hit. */
export function wanting(history: readonly Entry[], ledger: readonly LedgerLine[], kinds: readonly string[]): string[] {
  const came = injected(history, ledger);
  const all = [
    ...kinds,
    ...MISCHIEVOUS.map((kind) => `upstream ${kind}`),
    ...LEAVINGS.map((phase) => `client leaves ${phase}`),
  ];
  const hasThread = history.some((entry) => entry.what === "run" && entry.store === "sqlite");
  const ofThread: readonly string[] = THREAD_GAPS;
  return [
    ...all.filter((kind) => !came.has(kind)).map((kind) => `${kind}: never`),
    ...[...stopped(history)]
      .filter(([gap, { kill, pause }]) => kill + pause < STOPS_IN_EACH_GAP && (hasThread || !ofThread.includes(gap)))
      .map(([gap, { kill, pause }]) => `stopped in ${gap}: ${kill + pause} of ${STOPS_IN_EACH_GAP}`),
  ];
}
