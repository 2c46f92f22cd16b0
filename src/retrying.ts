import { answerJson } from "./answer-json.ts";
import { judge } from "./domain/outcome.ts";
import { keep } from "./domain/replay.ts";
import type { Rule } from "./domain/rule.ts";
import type { Retries } from "./upstream/retries.ts";

/** The first pause of a rule's retries; then 1, 2, 4 and 8 s. */
const FIRST_PAUSE_MS = 500;

/** How a rule tries again; undefined: as without one. An answer that the rule does not release is never asked for twice. */
export function retriesOf({ retry, outcome, isObserved }: Rule): Retries | undefined {
  if (retry === undefined || isObserved) return undefined;
  return {
    ...retry,
    pauseMs: FIRST_PAUSE_MS,
    growth: 2,
    didNotBegin: (answer) => {
      const kept = keep(answer);
      const json = (): unknown => (kept.kind === "answer" ? answerJson(kept) : undefined);
      return judge(outcome, { status: answer.status, headers: answer.headers, json }) === "release";
    },
  };
}
