import { utf8 } from "./content.ts";
import type { Content } from "./content.ts";
import { numberedField } from "./numbered.ts";
import { pointed, pointerTo, saysYes, scalarText } from "./pointer.ts";

/** The fields of a body by name, also a numbered one (numbered.ts); in JSON, a name that starts with a slash is a pointer (RFC 6901). */
export type Fields = {
  /** Each that has the name, as parsed. */
  all(name: string): readonly unknown[];
  /** As text; undefined where there is none, more than one, or one that is neither text nor a whole number that a double holds. */
  text(name: string): string | undefined;
  /** It is there and has something in it: neither null nor an empty text. */
  isPresent(name: string): boolean;
  /** It is there once and means yes (pointer.ts). */
  saysYes(name: string): boolean;
  /** JSON as parsed, a form as an object of texts and lists of texts; undefined for anything else. */
  whole(): unknown;
};

/** Parsed when the first is asked for, and once. */
export function fieldsOf(content: Content): Fields {
  let parsed: { value: unknown } | undefined;
  const whole = (): unknown => (parsed ??= { value: valueOf(content) }).value;

  const named = (name: string): unknown[] => {
    switch (content.kind) {
      case "json": {
        const value = pointed(whole(), name.startsWith("/") ? name : pointerTo(name));
        return value === undefined ? [] : [value];
      }
      case "form":
        return content.fields.getAll(name);
      case "multipart":
        return content.parts.filter((part) => part.name === name).map((part) => (part.isFile ? part : utf8(part.body)));
      case "bytes":
        return [];
    }
  };
  const valuesOf = (field: string): unknown[] => {
    const numbered = numberedField(field);
    if (numbered === undefined) return named(field);
    const { value, name, text } = numbered;
    return namesIn(content, whole)
      .filter((one) => one.startsWith(name) && named(one).some((is) => scalarText(is) === text))
      .flatMap((one) => named(value + one.slice(name.length)));
  };
  return {
    all: valuesOf,
    text(name) {
      const values = valuesOf(name);
      return values.length === 1 ? scalarText(values[0]) : undefined;
    },
    isPresent: (name) => valuesOf(name).some(isSomething),
    saysYes(name) {
      const values = valuesOf(name);
      return values.length === 1 && saysYes(values[0]);
    },
    whole,
  };
}

/** Of the outermost object, each once. */
function namesIn(content: Content, whole: () => unknown): string[] {
  switch (content.kind) {
    case "json": {
      const value = whole();
      return typeof value === "object" && value !== null ? Object.keys(value) : [];
    }
    case "form":
      return [...new Set(content.fields.keys())];
    case "multipart":
      return [...new Set(content.parts.flatMap(({ name }) => (name === undefined ? [] : [name])))];
    case "bytes":
      return [];
  }
}

/** Forms send what was not filled in. */
export const isSomething = (value: unknown): boolean => value !== null && value !== "";

function valueOf(content: Content): unknown {
  if (content.kind === "form") {
    const byName = Map.groupBy(content.fields, ([name]) => name);
    return Object.fromEntries(
      Array.from(byName, ([name, pairs]) => [
        name,
        pairs.length === 1 ? pairs[0]![1] : pairs.map(([, value]) => value),
      ]),
    );
  }
  return content.kind === "json" ? parsedJson(content.text) : undefined;
}

/** undefined where the text is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The members of a JSON object; undefined for anything else. A name that stands twice has its last value, as JSON.parse has it. */
export function jsonMembers(text: string): ReadonlyMap<string, unknown> | undefined {
  const value = parsedJson(text);
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}
