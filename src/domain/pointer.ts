/** The value that a JSON pointer (RFC 6901) names; undefined where there is none. Own members only, so never a prototype's. */
export function pointed(value: unknown, pointer: string): unknown {
  let at = value;
  for (const token of pointer.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = Reflect.get(at, name);
  }
  return at;
}

/** A pointer to the member `name` of the outermost object. */
export const pointerTo = (name: string): string => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;

export const isPointer = (text: string): boolean => /^(?:\/(?:[^~/]|~[01])*)+$/.test(text);

/**
 * Text and whole numbers that a double holds; undefined for anything else: its neighbours would read the same, or nobody could compare it.
 * So would all text that could not be decoded, be it U+FFFD already or half of a pair.
 */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\ufffd") ? value : undefined;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

/** Texts that mean yes, in whatever case. */
export const YES: readonly string[] = ["true", "1", "yes"];

/** A value that means yes, whatever form a body or a header gives it. */
export const saysYes = (value: unknown): boolean =>
  value === true || YES.includes((scalarText(value) ?? "").toLowerCase());
