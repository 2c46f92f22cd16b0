import { explain, isUnknown } from "./explain.ts";
import type { Faults } from "./explain.ts";
import { isSuccess } from "./operations.ts";
import type { Told, Tried } from "./operations.ts";
import type { Violation } from "./violation.ts";

/** What stays of an operation once everything is healed and every key retried. */
export type End = "completed" | "not-kept" | "unknown" | "open";

/** By its last final retry; undefined where it was not retried. */
export function endOf({ tried }: Told): End | undefined {
  const last = tried.findLast(({ isFinal }) => isFinal);
  if (last === undefined) return undefined;
  if (isSuccess(last.ending)) return "completed";
  if (isUnknown(last)) return "unknown";
  return codeOf(last) === "response-not-kept" ? "not-kept" : "open";
}

const codeOf = ({ ending }: Tried): string | undefined => (ending.kind === "answer" ? ending.code : undefined);

/** G5, and that "unknown" is said only where there is a reason to. */
export function checkEnding(told: Told, faults: Faults): Violation[] {
  const { name, tried } = told;
  const last = tried.findLast(({ isFinal }) => isFinal);
  switch (endOf(told)) {
    case undefined:
      return [{ kind: "unanswered-at-the-end", name, what: "it was not retried" }];
    case "open": {
      const code = codeOf(last!);
      const isRunning = code === "operation-in-flight" || code === "still-running";
      const kind = isRunning ? "in-flight-for-ever" : "unanswered-at-the-end";
      return [{ kind, name, what: `attempt ${last!.id} at ${last!.gateway}: ${JSON.stringify(last!.ending)}` }];
    }
    case "unknown": {
      if (explain(told, faults).length > 0) return [];
      const what = `attempt ${last!.id} at ${last!.gateway}: nothing that happened to it explains it`;
      return [{ kind: "unexplained-unknown", name, what }];
    }
    case "completed":
    case "not-kept":
      return checkPassing(told, faults);
  }
}

/** Unknown for a while and then known: with a store or a clock that failed it may be, for no reason it may not. */
function checkPassing(told: Told, faults: Faults): Violation[] {
  const first = told.tried.find(isUnknown);
  if (first === undefined) return [];
  // What came later, when the store had lost it or an operator released it, explains nothing of that.
  const asItWas = { ...told, arrivals: told.arrivals.filter(({ at }) => at <= first.until) };
  if (explain(asItWas, faults).length > 0) return [];
  const from = Math.min(...told.tried.map(({ at }) => at));
  if (faults.during(from, first.until).length > 0) return [];
  const what = `attempt ${first.id} at ${first.gateway} was told so, and nothing had happened`;
  return [{ kind: "unexplained-unknown", name: told.name, what }];
}
