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
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A string without escapes is already in its one spelling: most of them, and eight times faster than JSON.parse. */
const PLAIN = /"[^"\\\u0000-\u001f]*"/y;
const ESCAPED = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const LITERAL = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

class Incomparable extends Error {}

class Canonicaliser {
  readonly #text: string;
  readonly #without: readonly string[];
  #at = 0;

  constructor(text: string, without: readonly string[]) {
    this.#text = text;
    this.#without = without.map((name) => JSON.stringify(name));
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
    const first = this.#text[this.#at];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    return this.#take(LITERAL) ?? this.#take(NUMBER) ?? this.#stop("no value");
  }

  #object(depth: number): string {
    const members = new Map<string, string>();
    this.#items("}", () => {
      this.#skipSpace();
      const name = this.#string();
      if (members.has(name)) this.#stop("repeated name");
      if (!this.#skip(":")) this.#stop("no colon");
      members.set(name, this.#value(depth + 1));
    });
    if (depth === 0) for (const name of this.#without) members.delete(name);
    const sorted = [...members].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${sorted.map(([name, value]) => `${name}:${value}`).join(",")}}`;
  }

  #array(depth: number): string {
    const items: string[] = [];
    this.#items("]", () => items.push(this.#value(depth + 1)));
    return `[${items.join(",")}]`;
  }

  /** Reads from the opening bracket to `close`, with `item` reading one item. */
  #items(close: "}" | "]", item: () => void): void {
    this.#at++;
    if (this.#skip(close)) return;
    do item();
    while (this.#skip(","));
    if (!this.#skip(close)) this.#stop("not closed");
  }

  #string(): string {
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

  #wellFormed(value: string, spelling: string): string {
    return value.isWellFormed() ? spelling : this.#stop("lone surrogate");
  }

  #skip(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    // Compact JSON has no space: look before the regular expression is started.
    if (this.#text.charCodeAt(this.#at) <= 32) this.#take(SPACE);
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
