import type { Fields } from "./fields.ts";
import type { HeaderValues } from "./key.ts";
import { readSource, sourceName, sourceText, stands } from "./source.ts";
import type { Source, SourceInput } from "./source.ts";

type CredentialInput = SourceInput & { fields: Pick<Fields, "isPresent"> };

export type CredentialReading = { kind: "credential"; credential: string } | { kind: "missing"; what: string };

/** Where a rule says that a part of the credential stands. */
export type NamedCredential = Extract<Source, { from: "header" | "body" | "query" }>;

/**
 * The credential an operation runs with, as one text to be digested: what the upstream authenticates by. Cookies count only
 * where no other of its usual headers is sent, since they carry much that changes by itself. `named`: what the rule says besides,
 * of which a request has one at least: all that have none would be the same caller's. What stands there and cannot be read as
 * one text is no credential either, since the next could not be told from it.
 */
export function credentialOf(named: readonly NamedCredential[], input: CredentialInput): CredentialReading {
  const usual = usualCredential(input.headers);
  if (named.length === 0) return { kind: "credential", credential: JSON.stringify(usual) };
  const given: Record<string, string> = {};
  for (const source of named) {
    const text = readSource(source, input);
    if (text) given[sourceText(source)] = text;
    else if (stands(source, input))
      return { kind: "missing", what: `The request has a ${sourceName(source)} that is not one text.` };
  }
  if (Object.keys(given).length === 0)
    return { kind: "missing", what: `The request has no ${named.map(sourceName).join(" and no ")}.` };
  const sorted = Object.entries(given).toSorted(([one], [other]) => (one < other ? -1 : 1)); // as the next rules file may list them
  return { kind: "credential", credential: JSON.stringify({ ...usual, named: sorted }) };
}

function usualCredential(headers: HeaderValues): Record<string, readonly string[] | undefined> {
  const { authorization, "x-api-key": apiKey, cookie } = headers;
  const isSent = [authorization, apiKey].flat().some((value) => value); // an empty one says nothing
  return isSent ? { authorization, apiKey } : { cookie };
}
