import type { Content } from "./content.ts";
import type { Fields } from "./fields.ts";
import { hasRepeatedName } from "./member-names.ts";
import type { Rule } from "./rule.ts";
import type { Source } from "./source.ts";

/** A body as far as it could be read. */
export type Read = { body: Uint8Array; content: Content; fields: Fields };

/** Why nobody can tell from a body which rule governs, or what its key is. */
type Doubt = "not-read" | "repeated-name";

/**
 * A body that has something in it and cannot be read, or that another reader could read otherwise: JSON with a name twice in an
 * object. undefined where there is no doubt about it.
 */
export function doubtOf({ body, content, fields }: Read): Doubt | undefined {
  if (body.length === 0) return undefined;
  if (content.kind === "bytes") return "not-read";
  if (content.kind !== "json") return undefined;
  const value = fields.whole();
  if (value === undefined) return "not-read";
  return hasRepeatedName(content.text, value) ? "repeated-name" : undefined;
}

/**
 * Whose operation such a request could be, and would not be taken for: of a rule that goes by the body. One that only observes stops
 * nothing, and must not keep those behind it from governing either.
 */
export function readerOf(shortlist: readonly Rule[]): Rule | undefined {
  const readers = shortlist.filter(readsBody);
  return (
    readers.find(({ isObserved }) => !isObserved) ??
    (shortlist.every(({ isObserved }) => isObserved) ? readers[0] : undefined)
  );
}

function readsBody({ match, key, scope, credential, turn, duplicates }: Rule): boolean {
  const sources: (Source | undefined)[] = [...(scope === "auto" ? [] : scope), ...credential, turn?.document];
  if (duplicates !== undefined && duplicates.action !== "observe")
    sources.push(...duplicates.fields, duplicates.unless);
  return match.body.length > 0 || key.fields.length > 0 || sources.some((source) => source?.from === "body");
}
