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

/** A yes that every customer of the API gets would show each what is the others'. */
export function reasonNotToAsk({ authorize, scope, errors }: Rule): string | undefined {
  if (authorize === undefined) return undefined;
  if (errors.format === "erply" || errors.format === "jsonrpc")
    return `is answered with HTTP 200 by an API of the form ${errors.format}, whether it means yes or no`;
  const asked = authorize.target.map((part) => (typeof part === "string" ? "" : sourceText(part)));
  const written = scope === "auto" ? [] : scope.filter(({ from }) => WRITTEN_BY_ANYBODY.has(from)).map(sourceText);
  const missing = written.find((text) => !asked.includes(text));
  return missing === undefined
    ? undefined
    : `must ask about ${missing}, which the scope is read from and anybody can write: {${missing}}`;
}
