import type { Question } from "../domain/question.ts";
import type { Rule } from "../domain/rule.ts";
import { sourceText } from "../domain/source.ts";
import type { Source } from "../domain/source.ts";

/** Whether a rule could show a stored answer to someone whom the API would not (rules.ts). */

/** Who may write what the scope is read from could read every stored answer of it. */
export function reasonNotToTrust(scope: Rule["scope"], isVerified: boolean): string | undefined {
  const kinds = new Set(scope === "auto" ? [] : scope.map(({ from }) => from));
  if (kinds.has("jwt") && !isVerified)
    return "needs keys that the token is verified with: set ONCEGATE_JWT_KEYS_FILE, ONCEGATE_JWT_KEYS_URL or ONCEGATE_JWT_SECRET";
  if (kinds.has("jwt") || kinds.has("header")) return undefined;
  return "needs a scope that nobody can choose freely: a jwt:CLAIM, or a header:NAME that a component in front sets";
}

/** Part of no credential: the API's yes says nothing of it, unless it is asked about it. A header may be of a component in front. */
const WRITTEN_BY_ANYBODY: ReadonlySet<Source["from"]> = new Set(["body", "query", "path"]);

/**
 * What the API knows a caller by goes along in its own header; from elsewhere only where the question says where. Asked without it, an
 * API may find nothing, and say yes to anybody.
 */
export function credentialNotIn(question: Question, credential: Rule["credential"]): string | undefined {
  const elsewhere = credential.filter(({ from }) => from !== "header");
  const missing = without(elsewhere, sourcesIn(question)).map(sourceText)[0];
  return missing === undefined
    ? undefined
    : `must have the credential ${missing} in it, in a header for instance: headers: { x-session: "${missing}" }`;
}

/** What a question has of the request: in its target, and in headers what was in no header before. */
function sourcesIn({ target, headers }: Question): Source[] {
  const named = headers.map(({ source }) => source).filter(({ from }) => from !== "header");
  return [...target.filter((part) => typeof part !== "string"), ...named];
}

/** What a rule leaves open, which only whoever knows the API can tell. */
export function doubtOfCredential(rule: Rule): string | undefined {
  const { credential, authorize, trustScope, onCompleted, duplicates, scope, key } = rule;
  const isShown = onCompleted === "replay" || duplicates?.action === "replay";
  if (!isShown || credential.length > 0 || authorize !== undefined || trustScope) return undefined;
  const written = scope === "auto" ? [] : scope.filter(({ from }) => from === "body").map(sourceText);
  const [read] = [...written, ...key.fields.map((name) => `body:${name}`)];
  if (read === undefined) return undefined;
  return `reads ${read} and names no credential: if the API knows its callers by something in the body too, or by a header of its own, whoever knows scope and key is shown the stored answer; name it, or else credential: ["header:authorization"]`;
}

/** A yes that every customer of the API gets would show each what is the others', and so would one that is about another request. */
export function reasonNotToAsk(rule: Rule): string | undefined {
  const { authorize, scope, credential, errors, fingerprint, duplicates } = rule;
  if (authorize === undefined) return undefined;
  if (errors.format === "erply" || errors.format === "jsonrpc")
    return `is answered with HTTP 200 by an API of the form ${errors.format}, whether it means yes or no`;
  const asked = sourcesIn(authorize);
  const written = scope === "auto" ? [] : scope.filter(({ from }) => WRITTEN_BY_ANYBODY.has(from));
  const missing = without(written, asked).map(sourceText)[0];
  if (missing !== undefined)
    return `must ask about ${missing}, which the scope is read from and anybody can write: {${missing}}`;

  // Of what a retry or a duplicate may have otherwise than the request that was executed, the API's yes would say nothing.
  const free = without(
    scope === "auto" ? asked.filter(({ from }) => from !== "basic" && from !== "jwt") : without(asked, scope),
    credential, // which it is asked with
  );
  const ignored = free.find((source) => mayDiffer(source, fingerprint));
  if (ignored !== undefined)
    return `asks about ${sourceText(ignored)}, in which a retry may differ by the rule's fingerprint from what it is shown`;
  if (duplicates?.action !== "replay") return undefined;
  const differing = free.find(
    (source) => source.from !== "path" && !duplicates.fields.some((one) => holds(one, source)),
  );
  return (
    differing &&
    `asks about ${sourceText(differing)}, in which a duplicate may differ from what it is shown: duplicates.fields must have it`
  );
}

const without = (sources: readonly Source[], others: readonly Source[]): Source[] =>
  sources.filter((source) => !others.some((other) => sourceText(other) === sourceText(source)));

function mayDiffer(source: Source, { mode, ignore }: Rule["fingerprint"]): boolean {
  switch (source.from) {
    case "body":
      return mode === "none" || ignore.fields.includes(outermost(source.name));
    case "query":
      return mode === "none" || ignore.query.includes(source.name);
    case "path":
      return mode === "none";
    case "header":
    case "basic":
    case "jwt":
      return false; // of the caller's credentials, or of a component in front
  }
}

/** What duplicates have in common has this in it. */
function holds(field: Source, source: Source): boolean {
  if (field.from !== "body" || source.from !== "body") return sourceText(field) === sourceText(source);
  const name = outermost(source.name);
  return field.name.endsWith("*") ? name.startsWith(field.name.slice(0, -1)) : name === field.name;
}

/** `/buyer/id` is a part of the field `buyer`. */
function outermost(name: string): string {
  const [, token] = /^\/([^/]*)/.exec(name) ?? [];
  return token === undefined ? name : token.replaceAll("~1", "/").replaceAll("~0", "~");
}
