import type { Duplicates } from "./likeness.ts";
import type { Match } from "./match.ts";
import type { Condition, OutcomeLine } from "./outcome.ts";
import { YES } from "./pointer.ts";
import { PROBLEMS } from "./problem.ts";
import type { Rule } from "./rule.ts";
import { sourceText } from "./source.ts";

/** Where clients read what is remembered here, and for how long (RFC 8615). */
const PLACE = "/.well-known/idempotency";

/** Only who reads is answered: whatever else an API may have there reaches it. */
export const asksForPublication = ({ method, path }: { method: string; path: string }): boolean =>
  path === PLACE && (method === "GET" || method === "HEAD");

/**
 * What a client may know of the rules: where keys go, whose they are, what is kept for how long, and what it is answered. Nothing of
 * any client, credential, record or of the operator's settings is in it.
 */
export function publicationOf(rules: readonly Rule[]): object {
  return {
    rules: rules.map(published),
    replayedAnswersHave: { "Idempotent-Replayed": "true" },
    notStored: ["Set-Cookie"],
    refusals: Object.entries(PROBLEMS).map(([code, { statuses, title, retryable }]) => ({
      code,
      statuses,
      title,
      retryable,
    })),
  };
}

function published(rule: Rule): object {
  const { name, match, key, scope, trustScope, fingerprint } = rule;
  return {
    rule: name,
    mode: rule.isObserved ? "observe" : "enforce",
    match: matched(match),
    key: {
      headers: key.headers,
      fields: key.fields,
      required: key.isRequired,
      maxLength: key.maxLength,
      ...(key.pattern === undefined ? {} : { pattern: key.pattern.source }),
    },
    scope: scope === "auto" ? "credential" : scope.map(sourceText),
    ...(rule.credential.length === 0 ? {} : { credential: rule.credential.map(sourceText) }),
    sameRequest: {
      compared: fingerprint.mode,
      ignored: [
        ...fingerprint.ignore.fields.map((field) => `body:${field}`),
        ...fingerprint.ignore.query.map((parameter) => `query:${parameter}`),
      ],
    },
    retentionSeconds: rule.retentionMs / 1_000,
    outcomes: [...rule.outcome.map(outcome), { outcome: "store" }],
    onCompleted: rule.onCompleted,
    replayedTo: rule.authorize !== undefined ? "who the API lets" : trustScope ? "the scope" : "the same credential",
    inFlightWaitSeconds: rule.inFlightWaitMs / 1_000,
    ...(rule.duplicates === undefined ? {} : { duplicates: eliminated(rule.duplicates) }),
    ...(rule.retry === undefined
      ? {}
      : { retry: { tries: rule.retry.tries, withinSeconds: rule.retry.withinMs / 1_000 } }),
    ...(rule.breaker === undefined
      ? {}
      : { breaker: { failures: rule.breaker.failures, coolOffSeconds: rule.breaker.coolOffMs / 1_000 } }),
    errors: rule.errors,
  };
}

/** Requests of one scope and path that are equal in `fields` are executed once, with or without a key. */
function eliminated({ fields, windowMs, action, unless }: Duplicates): object {
  return {
    mode: action,
    fields: fields.map(sourceText),
    windowSeconds: windowMs / 1_000,
    ...(unless === undefined ? {} : { unless: { source: sourceText(unless), says: YES } }),
  };
}

function matched({ methods, path, body }: Match): object {
  return { methods, path: path?.glob ?? "/**", ...(body.length === 0 ? {} : { body }) };
}

/** All that a line asks for must hold; the first line that does decides. */
function outcome({ verdict, when }: OutcomeLine): object {
  return { outcome: verdict, ...Object.fromEntries(when.flatMap((one) => Object.entries(condition(one)))) };
}

function condition(one: Condition): object {
  switch (one.on) {
    case "status":
      return { status: one.ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)) };
    case "header":
      return { header: one.name };
    case "body":
      return { body: one.pointer, in: one.among };
  }
}
