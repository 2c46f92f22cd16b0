import { canonicalJson } from "./canonical-json.ts";
import type { Content } from "./content.ts";
import { jsonMembers } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { saysYes } from "./pointer.ts";
import { readSource } from "./source.ts";
import type { Source, SourceInput } from "./source.ts";

/** A rule's elimination of duplicates by what is in a request, whether or not it has a key. */
export type Duplicates = {
  /** What two requests have in common that are duplicates. A field's name may end in a star, which is any rest of it. */
  fields: readonly Source[];
  /** For how long after the original completed. */
  windowMs: number;
  /** What a duplicate gets: it is passed on and noted, or answered as the original was, or refused. */
  action: "observe" | "replay" | "reject";
  /** Where a client says that it really means another one. */
  unless: Source | undefined;
};

/** What is read of a request; never its token. */
type Asked = Omit<SourceInput, "claims" | "fields"> & { fields: Fields };

export type Values = readonly (string | Uint8Array)[];

/**
 * What a request has in the fields that its duplicates have in common with it; in JSON by value with its number text, as fingerprints
 * have it. A field that is empty or not there is like any other such. undefined where there is too little to compare: none of the
 * fields, or none of those that the rule names in the body.
 */
export function likenessOf(fields: readonly Source[], input: Asked, content: Content): Values | undefined {
  const names = fields.flatMap((source) => (source.from === "body" ? [source.name] : []));
  const inBody = names.length === 0 ? [] : bodyValues(content, (name) => names.some((one) => isNamed(name, one)));
  const others = fields.filter(({ from }) => from !== "body");
  const beside = others.map((source) => readSource(source, { ...input, claims: () => undefined }) ?? "");
  const isComparable = names.length === 0 ? beside.some((text) => text !== "") : inBody.length > 0;
  return isComparable ? [...beside, content.kind, ...inBody] : undefined;
}

const isNamed = (name: string, wanted: string): boolean =>
  wanted.endsWith("*") ? name.startsWith(wanted.slice(0, -1)) : name === wanted;

/** Of the fields that are there and have something in them; the order in which they were sent does not count. */
function bodyValues(content: Content, isWanted: (name: string) => boolean): Values {
  switch (content.kind) {
    case "json": {
      const members = [...(jsonMembers(content.text) ?? [])];
      const others = members.filter(([name, value]) => !isWanted(name) || value === null || value === "");
      if (others.length === members.length) return [];
      const canonical = canonicalJson(
        content.text,
        others.map(([name]) => name),
      );
      return canonical === undefined ? [] : [canonical];
    }
    case "form":
      return inOrder([...content.fields].filter(([name, value]) => isWanted(name) && value !== ""));
    case "multipart":
      return inOrder(
        content.parts.flatMap(({ name, body }) =>
          name !== undefined && isWanted(name) && body.length > 0 ? [[name, body]] : [],
        ),
      );
    case "bytes":
      return [];
  }
}

/** By name; those of one name as they were sent. */
const inOrder = (pairs: readonly (readonly [string, string | Uint8Array])[]): Values =>
  pairs.toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)).flat();

/** The client says that it is another one, however alike: `true`, `1` or `yes` where the rule looks for it. */
export function isAnother({ unless }: Duplicates, input: Asked): boolean {
  if (unless === undefined) return false;
  if (unless.from === "body") return input.fields.saysYes(unless.name);
  return saysYes(readSource(unless, { ...input, claims: () => undefined }));
}
