import type { Rule } from "../../src/domain/rule.ts";

/** A rule that stores every answer, but for what `differing` says. */
export function aRule(differing: Partial<Rule> = {}): Rule {
  return {
    name: "default",
    methods: ["POST"],
    keyHeaders: ["idempotency-key"],
    keyMaxLength: 255,
    requireKey: false,
    scope: "auto",
    fingerprint: "content",
    releaseStatuses: [],
    unknownStatuses: [],
    retentionMs: 60_000,
    unknownRetentionMs: 60_000,
    inFlightWaitMs: 0,
    ...differing,
  };
}
