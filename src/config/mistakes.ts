import { LineCounter, isMap, isNode, isScalar, parseDocument } from "yaml";
import type { Document } from "yaml";
import type { z } from "zod";

/** What is wrong in a file, and where. Lines and columns are counted from 1. */
export type Mistake = { file: string; line: number; column: number; what: string };

/** Notes a mistake at a path within a rule. */
export type Wrong = (path: readonly string[], what: string) => void;

export type Read = { kind: "read"; value: unknown; locate: Locate } | { kind: "unreadable"; mistakes: Mistake[] };

/** `key`: one of the map at `path`, whose name is what is wrong. */
type Locate = (path: readonly PropertyKey[], key?: string) => { line: number; column: number };

/** Reads YAML or JSON, of which the first is a superset. */
export function readYaml(file: string, text: string): Read {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col: column } = lines.linePos(offset);
    return { line, column };
  };
  if (document.errors.length > 0)
    return {
      kind: "unreadable",
      mistakes: document.errors.map(({ message, pos }) => ({ file, ...at(pos[0]), what: message })),
    };
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return { kind: "read", value, locate: (path, key) => at(offsetOf(document, path, key)) };
  } catch (error) {
    return { kind: "unreadable", mistakes: [{ file, line: 1, column: 1, what: String(error) }] };
  }
}

/** Where a value stands; where there is none, what it should stand in. */
function offsetOf(document: Document, path: readonly PropertyKey[], key?: string): number {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (!isNode(node)) continue;
    const name = isMap(node) && node.items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.key;
    return (isScalar(name) ? name : node).range?.[0] ?? 0;
  }
  return 0;
}

/** One mistake for each thing that zod found. */
export function mistakesOf(issues: readonly z.core.$ZodIssue[], file: string, locate: Locate): Mistake[] {
  return issues.flatMap(flat).map((issue) => {
    const key = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const name = issue.path.map(String).join(".");
    return { file, ...locate(issue.path, key), what: `${name === "" ? "the file" : name} ${wordsOf(issue)}` };
  });
}

/** Of a name, what is wrong with it; of a choice between forms, what is wrong with the form that was meant: the one whose own kind of value stands there. */
function flat(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code === "invalid_key")
    return issue.issues.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  if (issue.code !== "invalid_union") return [issue];
  const meant = issue.errors.find((branch) =>
    branch.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys" || code === "custom"),
  );
  if (meant === undefined) return [issue];
  return meant.flatMap((inner) => flat({ ...inner, path: [...issue.path, ...inner.path] }));
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type")
    return issue.message.endsWith("received undefined")
      ? "is missing"
      : `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value") return `must be ${issue.values.map(String).join(" or ")}`;
  if (issue.code === "too_small" && issue.origin === "array") return "must not be empty";
  if (issue.code === "too_small" && issue.origin !== "string") return `must be at least ${issue.minimum}`;
  if (issue.code === "too_big" && issue.origin !== "string") return `must be at most ${issue.maximum}`;
  return issue.message;
}

const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a map",
  record: "a map",
  string: "a text",
};

/** As editors and terminals take it: file:line:column. */
export const mistakeText = ({ file, line, column, what }: Mistake): string => `${file}:${line}:${column}: ${what}`;
