import type { Rule } from "../../src/domain/rule.ts";

/** A rule for every POST, with keys in a header, that stores every answer; but for what `differing` says. */
export function aRule(differing: Partial<Rule> = {}): Rule {
  return {
    name: "default",
    match: { methods: ["POST"], path: undefined, body: [] },
    isObserved: false,
    key: { headers: ["idempotency-key"], fields: [], maxLength: 255, pattern: undefined, isRequired: false },
    scope: "auto",
    credential: [],
    trustScope: false,
    authorize: undefined,
    probe: undefined,
    fingerprint: { mode: "content", ignore: { fields: [], query: [] } },
    faultsOf: undefined,
    onCompleted: "replay",
    inFlightWaitMs: 0,
    outcome: [],
    breaker: undefined,
    retry: undefined,
    listing: undefined,
    retentionMs: 60_000,
    turn: undefined,
    duplicates: undefined,
    errors: { format: "problem", statuses: {} },
    ...differing,
  };
}
