import type { Entry } from "../history.ts";
import type { LedgerLine } from "../upstream/ledger.ts";
import { checkAnswers } from "./answers.ts";
import { checkEnding } from "./endings.ts";
import { checkExecutions } from "./executions.ts";
import { Faults } from "./explain.ts";
import { checkHoldings } from "./holdings.ts";
import type { Losses } from "./losses.ts";
import { operationsOf } from "./operations.ts";
import type { Violation } from "./violation.ts";

/** The verdict on a run, from what clients saw and what the upstream did; no gateway is asked. Empty: nothing was found. */
export function check(history: readonly Entry[], ledger: readonly LedgerLine[]): Violation[] {
  const operations = operationsOf(history, ledger);
  const faults = new Faults(history);
  const byAnswer = new Map(
    operations.flatMap(({ arrivals }) =>
      arrivals.flatMap((arrival) => (arrival.answer === undefined ? [] : [[arrival.answer, arrival] as const])),
    ),
  );
  return [
    ...operations.flatMap((told) => [
      ...checkExecutions(told, faults.losses),
      ...checkAnswers(told, byAnswer, faults.losses),
      ...checkEnding(told, faults),
    ]),
    ...checkHoldings(history, operations),
    ...faults.losses.check(operations),
    ...history.flatMap((entry) => ofGateway(entry, faults.losses)),
  ];
}

/** What a gateway says that settles an operation of which the store lost the record. */
const OF_A_LOSS = new Set(["record-recreated", "settle-refused"]);

function ofGateway(entry: Entry, losses: Losses): Violation[] {
  switch (entry.what) {
    case "died":
      return [{ kind: "gateway-died", name: entry.gateway, what: entry.text }];
    case "alarm":
      if (OF_A_LOSS.has(entry.kind) && losses.mayBeFelt(entry.at)) return [];
      return [{ kind: "alarm", name: entry.gateway, what: entry.text }];
    case "run":
    case "attempt":
    case "ended":
    case "fault":
    case "loss":
    case "healed":
    case "counts":
    case "records":
      return [];
  }
}
