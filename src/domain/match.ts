import { isSomething } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { scalarText } from "./pointer.ts";

/** Which requests a rule governs. */
export type Match = {
  /** Methods that accept keys; others pass through. */
  methods: readonly string[];
  /** As it is written, and what it matches; undefined: every path. */
  path: { glob: string; pattern: RegExp } | undefined;
  /** All must hold. Where there is none, the rule is chosen without looking at the body. */
  body: readonly BodyCondition[];
};

type BodyCondition = { field: string } & ({ is: "one-of"; texts: readonly string[] } | { is: "present" | "absent" });

/** What can be said before the body is read. */
export function isOnRoute(match: Match, method: string, path: string): boolean {
  return match.methods.includes(method) && isOnPath(match, path);
}

export const isOnPath = (match: Match, path: string): boolean =>
  match.path === undefined || match.path.pattern.test(plainPath(path));

/** `ambiguous`: a field is there more than once, and which of them counts is for the API to say; else whether all conditions hold. */
export function bodyMatches({ body }: Match, fields: Fields): boolean | { ambiguous: string } {
  let ambiguous: string | undefined;
  for (const condition of body) {
    const { field } = condition;
    const all = fields.all(field);
    const holding = all.filter((value) => holds(condition, value)).length;
    if (all.length === 0 ? condition.is !== "absent" : holding === 0) return false;
    if (holding < all.length) ambiguous ??= field;
  }
  return ambiguous === undefined || { ambiguous };
}

function holds(condition: BodyCondition, value: unknown): boolean {
  switch (condition.is) {
    case "one-of": {
      const text = scalarText(value);
      return text !== undefined && condition.texts.includes(text);
    }
    case "present":
      return isSomething(value);
    case "absent":
      return !isSomething(value);
  }
}

/**
 * A path pattern: `*` is any one segment or a part of one, `**` any number of segments. Case counts; a slash at the end does not.
 * undefined where it is no path or could match none that the guard lets through.
 */
export function pathPattern(glob: string): RegExp | undefined {
  if (!/^\/[\x21-\x7e]*$/.test(glob) || /[?#\\]|\/\/|\/\.{1,2}(?:\/|$)|%/.test(glob)) return undefined;
  const segments = glob.split("/").filter((segment) => segment !== "");
  if (segments.some((segment) => segment.includes("**") && segment !== "**")) return undefined;
  const [first = [], ...others] = runsOf(segments);
  const last = others.pop();
  const middle = others.map((run, i) => once(`run${i}`, `(?:/[^/]+)*?${run.join("")}`));
  const end = last === undefined ? "" : `(?:/[^/]+)*${last.join("")}`;
  return new RegExp(`^${first.join("")}${middle.join("")}${end}/?$`, "s");
}

/** The segments between `**` and `**`, each as an expression. */
function runsOf(segments: readonly string[]): string[][] {
  const runs: string[][] = [[]];
  for (const [i, segment] of segments.entries()) {
    if (segment === "**") runs.push([]);
    else runs.at(-1)!.push(segmentPattern(segment, i));
  }
  return runs;
}

function segmentPattern(segment: string, index: number): string {
  const [begin = "", ...texts] = segment.split("*").map((text) => RegExp.escape(text));
  const end = texts.pop();
  const middle = texts.map((text, i) => once(`text${index}at${i}`, `[^/]*?${text}`));
  return `/${begin}${middle.join("")}${end === undefined ? "" : `[^/]*${end}`}(?=/|$)`;
}

/** Where a star first ends is as good as anywhere behind it: so that a path made for it is not tried in every possible way. */
const once = (name: string, pattern: string): string => `(?=(?<${name}>${pattern}))\\k<${name}>`;

/** `%61` is `a` (RFC 3986, section 2.3). The guard has refused what would make another path of it. */
function plainPath(path: string): string {
  if (!path.includes("%")) return path;
  return path.replaceAll(/%([2-7][\da-f])/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
}
