import { formFields } from "./content.ts";
import { basicUsername } from "./authorization.ts";
import type { Fields } from "./fields.ts";
import type { HeaderValues } from "./key.ts";
import { isPointer, scalarText } from "./pointer.ts";

/** Where a part of a request is read from (DESIGN, section 7): `header:x-tenant`, `basic:username`, `jwt:sub`, ... */
export type Source = Named<"header" | "jwt" | "body" | "query"> | { from: "basic" } | { from: "path"; index: number };

/** One kind for each, so that a place for sources can say which ones it takes. */
type Named<From> = From extends string ? { from: From; name: string } : never;

export type SourceInput = {
  headers: HeaderValues;
  path: string;
  query: string;
  fields: Pick<Fields, "text">;
  /** Of the JWT in Authorization; asked for only where a source names one. */
  claims(): ReadonlyMap<string, unknown> | undefined;
};

/** `header:NAME`, `basic:username`, `jwt:CLAIM`, `body:FIELD`, `query:NAME`, `path:N` (the Nth segment, from 1); else undefined. */
export function parseSource(text: string): Source | undefined {
  const [, from, name] = /^(header|basic|jwt|body|query|path):([^\s,]+)$/.exec(text) ?? [];
  if (from === undefined || name === undefined) return undefined;
  switch (from) {
    case "basic":
      return name === "username" ? { from } : undefined;
    case "path":
      return /^[1-9]\d?$/.test(name) ? { from, index: Number(name) } : undefined;
    case "header":
      return /^[!#$%&'*+.^`|~\w-]+$/.test(name) ? { from, name: name.toLowerCase() } : undefined;
    case "body":
      return name.startsWith("/") && !isPointer(name) ? undefined : { from, name };
    case "jwt":
    case "query":
      return { from, name };
    default:
      return undefined;
  }
}

/** As parseSource reads it. */
export function sourceText(source: Source): string {
  switch (source.from) {
    case "basic":
      return "basic:username";
    case "path":
      return `path:${source.index}`;
    case "header":
    case "jwt":
    case "body":
    case "query":
      return `${source.from}:${source.name}`;
  }
}

/** As it is called in a sentence. */
export function sourceName(source: Source): string {
  switch (source.from) {
    case "basic":
      return "Basic user name";
    case "path":
      return `segment ${source.index} in its path`;
    case "header":
      return `header ${source.name}`;
    case "jwt":
      return `claim ${source.name} in a JWT`;
    case "body":
      return `field ${source.name} in its body`;
    case "query":
      return `parameter ${source.name} in its query`;
  }
}

/** undefined where there is none, or more than one, or it could not be told from another one. */
export function readSource(source: Source, input: SourceInput): string | undefined {
  switch (source.from) {
    case "header": {
      const values = input.headers[source.name];
      return values?.length === 1 ? values[0] : undefined;
    }
    case "basic":
      return basicUsername(input.headers["authorization"]?.[0]);
    case "jwt":
      return scalarText(input.claims()?.get(source.name));
    case "body":
      return input.fields.text(source.name);
    case "query": {
      const values = formFields(input.query).getAll(source.name);
      return values.length === 1 ? scalarText(values[0]) : undefined;
    }
    case "path":
      return decoded(input.path.split("/")[source.index]);
  }
}

/** What stands somewhere in a request by itself, and not in its Authorization. */
export type Standing = Exclude<Source, { from: "basic" | "jwt" }>;

/** Something stands there, be it readable or not; what is empty is nothing. */
export function stands(
  source: Standing,
  { headers, path, query, fields }: Omit<SourceInput, "claims" | "fields"> & { fields: Pick<Fields, "isPresent"> },
): boolean {
  switch (source.from) {
    case "header":
      return headers[source.name]?.some((value) => value !== "") === true;
    case "body":
      return fields.isPresent(source.name);
    case "query":
      return formFields(query)
        .getAll(source.name)
        .some((value) => value !== "");
    case "path":
      return Boolean(path.split("/")[source.index]);
  }
}

/** What the API reads there, in whatever spelling it was sent; undefined where that is no UTF-8. */
function decoded(segment: string | undefined): string | undefined {
  try {
    return segment === undefined ? undefined : scalarText(decodeURIComponent(segment));
  } catch {
    return undefined;
  }
}
