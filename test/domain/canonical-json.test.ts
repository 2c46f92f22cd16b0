import { describe, expect, test } from "@jest/globals";
import { canonicalJson } from "../../src/domain/canonical-json.ts";

/** As the docstring has it, by the engine's own parser, for values that it does not change. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const names = Object.entries(value).toSorted(([one], [other]) =>
    JSON.stringify(one) < JSON.stringify(other) ? -1 : 1,
  );
  return Object.fromEntries(names.map(([name, inner]) => [name, sorted(inner)]));
}

/** Names are letters first: Object.entries puts whole numbers before all others. */
function object(members: number, depth: number): Record<string, unknown> {
  const value = (i: number): unknown =>
    depth > 0 && i % 3 === 0 ? [object(members, depth - 1), i] : [`text ${i}`, "ä \\ \n", true, null, -1.5][i % 5];
  const begins = ["n", 'q"', "a ", "z!"];
  const names = Array.from({ length: members }, (_, i) => `${begins[i % 4]}${(i * 7_919) % 1_000}`);
  return Object.fromEntries(names.map((name, i) => [name, value(i)]));
}

describe.each([0, 1, 2, 5, 31, 32, 33, 40, 100])("an object of %i members", (members) => {
  const whole = object(members, members > 40 ? 1 : 2);

  test("is the same text however it is written", () => {
    const canonical = JSON.stringify(sorted(whole));
    for (const space of [undefined, 2, "\t"]) expect(canonicalJson(JSON.stringify(whole, null, space))).toBe(canonical);
  });

  test("is none with a name that stands twice, wherever", () => {
    for (const name of Object.keys(whole)) {
      const [first, last] = [`${JSON.stringify(name)}:0`, JSON.stringify(whole).slice(1, -1)];
      expect(canonicalJson(`{${first},${last}}`)).toBeUndefined();
      expect(canonicalJson(`{${last},${first}}`)).toBeUndefined();
    }
  });

  test("goes without what is left out, wherever it stands", () => {
    const text = JSON.stringify(whole);
    for (const name of Object.keys(whole)) {
      const { [name]: _left, ...rest } = whole;
      expect(canonicalJson(text, [name, "not there"])).toBe(canonicalJson(JSON.stringify(rest)));
    }
  });
});

test("text that no parser takes for JSON has none", () => {
  for (const text of [
    "",
    "{",
    "[1,]",
    '{"a" 1}',
    '{"a":}',
    "{a:1}",
    "'a'",
    '"a',
    '"a\nb"',
    '"\\x"',
    "01",
    "1.",
    "+1",
    "tru",
    "1 2",
  ])
    expect([text, canonicalJson(text)]).toEqual([text, undefined]);
});
