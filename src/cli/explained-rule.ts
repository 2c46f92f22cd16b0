import { compared } from "../domain/fingerprint.ts";
import type { Fields } from "../domain/fields.ts";
import { isAnother } from "../domain/likeness.ts";
import { targetOf } from "../domain/question.ts";
import type { Found, Rule } from "../domain/rule.ts";
import { sourceName } from "../domain/source.ts";
import type { SourceInput } from "../domain/source.ts";

/** What a rule does with a request that it governs, in words for people (explain.ts). */

export type Line = [what: string, how: string];
type Governed = Extract<Found, { kind: "governed" }>;

export const ruleLines = ({ name, isObserved }: Rule): Line[] => [
  ["rule", name],
  ...(isObserved
    ? [["mode", "observes: all is executed; what would be refused or replayed is counted and logged"] as Line]
    : []),
];

export const keylessWords = ({ rule, alike }: Governed): string =>
  alike === undefined || rule.duplicates?.action === "observe"
    ? "none: its answer is not kept"
    : "none: it is known by what it has in common with its duplicates";

export function turnLines({ turn }: Rule, document: string | undefined): Line[] {
  if (turn === undefined || document === undefined) return [];
  const kind = turn.kind === "" ? "" : `${turn.kind} `;
  const another = turn.isDelete ? "; while another delete of it waits or runs it is refused at once" : "";
  return [["turn", `of document ${kind}${document}, for which it waits up to ${turn.waitMs / 1_000} s${another}`]];
}

export function fingerprintLines({ fingerprint }: Rule, request: Parameters<typeof compared>[1]): Line[] {
  if (fingerprint.mode === "none") return [["same request", "whatever has this key"]];
  const { method, path, query, reading, values } = compared(fingerprint, request);
  const body = values.map((value) => (typeof value === "string" ? value : `${value.length} bytes`)).join(", ");
  return [
    ["same request", `${method} ${path}${query === "" ? "" : `?${query}`}, body compared as ${reading}: ${body}`],
  ];
}

export function probeLines({ probe }: Rule, input: SourceInput): Line[] {
  if (probe === undefined) return [];
  const { request, found, equals, since, absent, afterMs } = probe;
  const target = targetOf(request.target, input);
  if (target === undefined)
    return [["where unknown", "a retry asks nothing: the request lacks what the question is made of"]];
  const alike = equals.map(({ pointer, source }) => `whose ${pointer} is the ${sourceName(source)}`);
  if (since !== undefined) alike.push(`not older by ${since}`);
  const result = [found === "" ? "the whole answer" : `what stands at ${found}`, ...alike].join(", ");
  const missing = absent.length === 0 ? "" : ` (or ${absent.join(", ")})`;
  return [
    ["where unknown", `a retry asks GET ${target}; ${result}, is replayed`],
    ["", `an empty list or null${missing} twice, ${afterMs / 1_000} s apart: it is executed`],
  ];
}

export function outcomeLines({ rule, key, alike }: Governed): Line[] {
  if (key === undefined) {
    if (alike === undefined) return [["outcome", "executed when it is its turn; sent again, it is executed again"]];
    return rule.duplicates?.action === "observe"
      ? [["outcome", "executed; what it is a duplicate of is only counted and logged"]]
      : [["outcome", "an operation: executed once"]];
  }
  const { onCompleted, inFlightWaitMs, retentionMs } = rule;
  const replayed =
    onCompleted === "replay" ? `is answered as the first was, ${toWhom(rule)}` : "is refused: already-completed";
  const waits = inFlightWaitMs === 0 ? "is refused at once" : `waits ${inFlightWaitMs / 1_000} s, then is refused`;
  return [
    ["outcome", "an operation: executed once"],
    ["a retry", `${replayed}, for ${retentionMs / 1_000} s; while the first runs it ${waits}`],
  ];
}

function toWhom({ authorize, trustScope }: Rule): string {
  if (authorize !== undefined) return "where the API says yes";
  return trustScope ? "in its scope" : "with the same credential";
}

export function duplicateLines({ rule, alike }: Governed, input: SourceInput, fields: Fields): Line[] {
  const { duplicates } = rule;
  if (duplicates === undefined) return [];
  const { action, windowMs, unless } = duplicates;
  const inCommon = duplicates.fields.map(sourceName).join(", ");
  if (alike === undefined)
    return [["a duplicate", `is not looked for: the request has nothing of what counts: ${inCommon}`]];
  const told = {
    observe: "is executed, counted and logged",
    replay: `is answered as the first was, ${toWhom(rule)}`,
    reject: "is refused: duplicate",
  }[action];
  const lines: Line[] = [
    ["a duplicate", `${told}, for ${windowMs / 1_000} s after that one completed`],
    ["", `it has in common with it: ${inCommon}`],
  ];
  if (unless !== undefined)
    lines.push([
      "",
      isAnother(duplicates, { ...input, fields })
        ? `this request is none: it says so, in ${sourceName(unless)}`
        : `one that says "true" in ${sourceName(unless)} is none`,
    ]);
  return lines;
}

export function sendingLines({ breaker, retry }: Rule): Line[] {
  const lines: Line[] = [];
  if (retry !== undefined)
    lines.push([
      "sending",
      `tried up to ${retry.tries} times within ${retry.withinMs / 1_000} s: what was never sent, and 429 and 503 with Retry-After that began nothing`,
    ]);
  if (breaker !== undefined)
    lines.push([
      "a circuit",
      `after ${breaker.failures} failures in a row in this scope nothing is sent for ${breaker.coolOffMs / 1_000} s: circuit-open`,
    ]);
  return lines;
}
