import type { Fields } from "./fields.ts";

/** Which requests a rule governs. */
export type Match = {
  /** Methods that accept keys; others pass through. */
  methods: readonly string[];
  /** undefined: every path. */
  path: RegExp | undefined;
  /** All must hold. Where there is none, the rule is chosen without looking at the body. */
  body: readonly BodyCondition[];
};

type BodyCondition = { field: string } & ({ is: "one-of"; texts: readonly string[] } | { is: "present" | "absent" });

/** What can be said before the body is read. */
export function isOnRoute(match: Match, method: string, path: string): boolean {
  return match.methods.includes(method) && isOnPath(match, path);
}

export const isOnPath = ({ path: pattern }: Match, path: string): boolean =>
  pattern === undefined || pattern.test(plainPath(path));

export function bodyMatches({ body }: Match, fields: Fields): boolean {
  return body.every((condition) => {
    const { field } = condition;
    switch (condition.is) {
      case "one-of": {
        const text = fields.text(field);
        return text !== undefined && condition.texts.includes(text);
      }
      case "present":
        return fields.isPresent(field);
      case "absent":
        return !fields.isPresent(field);
    }
  });
}

/**
 * A path pattern: `*` is any one segment or a part of one, `**` any number of segments. Case counts; a slash at the end does not.
 * undefined where it is no path or could match none that the guard lets through.
 */
export function pathPattern(glob: string): RegExp | undefined {
  if (!/^\/[\x21-\x7e]*$/.test(glob) || /[?#\\]|\/\/|\/\.{1,2}(?:\/|$)|%/.test(glob)) return undefined;
  const segments = glob.split("/").filter((segment) => segment !== "");
  if (segments.some((segment) => segment.includes("**") && segment !== "**")) return undefined;
  const parts = segments.map((segment) =>
    segment === "**"
      ? "(?:/[^/]+)*"
      : `/${segment
          .split("*")
          .map((text) => RegExp.escape(text))
          .join("[^/]*")}`,
  );
  return new RegExp(`^${parts.join("")}/?$`, "s");
}

/** `%61` is `a` (RFC 3986, section 2.3). The guard has refused what would make another path of it. */
function plainPath(path: string): string {
  if (!path.includes("%")) return path;
  return path.replaceAll(/%([2-7][\da-f])/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
}
