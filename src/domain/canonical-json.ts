/**
 * JSON by value with its number text: members sorted by name, no white space, strings in one spelling. Numbers stay as sent,
 * because by way of doubles 12345678901234567890 would equal ...891, and 10.00 would equal 10.
 * undefined where two parsers could disagree about the value: not JSON, a repeated member name, a lone surrogate, or nesting
 * deeper than MAX_DEPTH. The caller then compares bytes. Members of the outermost object that are in `without` are left out.
 */
export function canonicalJson(text: string, without: readonly string[] = []): string | undefined {
  try {
    return new Canonicaliser(text, without).whole();
  } catch (error) {
    if (error instanceof Incomparable) return undefined;
    throw error;
  }
}

/** Real invoices nest 5 or 6 deep; a body made to exhaust the stack thousands. */
const MAX_DEPTH = 64;
/** Where none of these stands anywhere a string ends at the next quote: JSON as libraries write it, most of it without an escape. */
const ESCAPES_OR_LINES = /[\\\u0000-\u001f]/;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A string without escapes is already in its one spelling: most of them, and eight times faster than JSON.parse. */
const PLAIN = /"[^"\\\u0000-\u001f]*"/y;
const ESCAPED = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;

/** Members of an object, mostly. */
const FEW = 32;

const code = (character: string): number => character.charCodeAt(0);
const [QUOTE, COMMA, COLON] = [code('"'), code(","), code(":")];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [code("{"), code("}"), code("["), code("]")];
const [SPACE, TAB, RETURN, LINE_FEED] = [code(" "), code("\t"), code("\r"), code("\n")];

class Incomparable extends Error {}

/** By character codes where it can: a regular expression for each piece took four times as long. */
class Canonicaliser {
  readonly #text: string;
  readonly #without: ReadonlySet<string>;
  readonly #isSimple: boolean;
  #at = 0;

  constructor(text: string, without: readonly string[]) {
    this.#text = text;
    this.#without = new Set(without.map((name) => JSON.stringify(name)));
    this.#isSimple = !ESCAPES_OR_LINES.test(text) && text.isWellFormed();
  }

  whole(): string {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at !== this.#text.length) throw new Incomparable("text behind the value");
    return value;
  }

  #value(depth: number): string {
    if (depth > MAX_DEPTH) throw new Incomparable("nested too deep");
    this.#skipSpace();
    switch (this.#text.charCodeAt(this.#at)) {
      case OPEN_OBJECT:
        return this.#object(depth);
      case OPEN_ARRAY:
        return this.#array(depth);
      case QUOTE:
        return this.#string();
    }
    return this.#take(SCALAR) ?? this.#stop("no value");
  }

  #object(depth: number): string {
    const names: string[] = [];
    const members: string[] = [];
    let isSorted = true;
    this.#at++;
    if (!this.#skip(CLOSE_OBJECT)) {
      do {
        this.#skipSpace();
        const name = this.#string();
        if (!this.#skip(COLON)) this.#stop("no colon");
        isSorted &&= names.length === 0 || names.at(-1)! < name;
        names.push(name);
        members.push(`${name}:${this.#value(depth + 1)}`);
      } while (this.#skip(COMMA));
      if (!this.#skip(CLOSE_OBJECT)) this.#stop("not closed");
    }
    if (!isSorted) {
      sort(names, members);
      if (names.some((name, i) => name === names[i + 1])) this.#stop("repeated name");
    }
    const isWhole = depth > 0 || this.#without.size === 0;
    const kept = isWhole ? members : members.filter((_, i) => !this.#without.has(names[i]!));
    return `{${kept.join(",")}}`;
  }

  #array(depth: number): string {
    const items: string[] = [];
    this.#at++;
    if (!this.#skip(CLOSE_ARRAY)) {
      do items.push(this.#value(depth + 1));
      while (this.#skip(COMMA));
      if (!this.#skip(CLOSE_ARRAY)) this.#stop("not closed");
    }
    return `[${items.join(",")}]`;
  }

  #string(): string {
    if (this.#isSimple) return this.#toNextQuote();
    const plain = this.#take(PLAIN);
    if (plain !== undefined) return this.#wellFormed(plain, plain);
    const escaped = this.#take(ESCAPED) ?? this.#stop("no string");
    try {
      const value: string = JSON.parse(escaped);
      return this.#wellFormed(value, JSON.stringify(value));
    } catch {
      return this.#stop("bad escape");
    }
  }

  #toNextQuote(): string {
    const from = this.#at;
    const end = this.#text.charCodeAt(from) === QUOTE ? this.#text.indexOf('"', from + 1) : -1;
    if (end === -1) this.#stop("no string");
    this.#at = end + 1;
    return this.#text.slice(from, this.#at);
  }

  #wellFormed(value: string, spelling: string): string {
    return value.isWellFormed() ? spelling : this.#stop("lone surrogate");
  }

  #skip(character: number): boolean {
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const next = this.#text.charCodeAt(this.#at);
      if (next !== SPACE && next !== LINE_FEED && next !== RETURN && next !== TAB) return;
      this.#at++;
    }
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return undefined;
    const taken = this.#text.slice(this.#at, pattern.lastIndex);
    this.#at = pattern.lastIndex;
    return taken;
  }

  #stop(why: string): never {
    throw new Incomparable(why);
  }
}

/** Sorts members with their names, by insertion where they are few: for those the engine's own sort took half of all the time here. */
function sort(names: string[], members: string[]): void {
  if (names.length > FEW) {
    names.sort();
    members.sort(); // their names stand first in them, and no name in its quotes is the beginning of another
    return;
  }
  for (let i = 1; i < names.length; i++) {
    const [name, member] = [names[i]!, members[i]!];
    let at = i;
    for (; at > 0 && names[at - 1]! > name; at--) [names[at], members[at]] = [names[at - 1]!, members[at - 1]!];
    [names[at], members[at]] = [name, member];
  }
}
