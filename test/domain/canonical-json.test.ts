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

const SIZES = [0, 1, 2, 5, 31, 32, 33, 40, 100];
const withoutEscapes = (value: object): object => JSON.parse(JSON.stringify(value).replaceAll(/\\./g, "~")) as object;

describe.each([
  ...SIZES.map((members) => [members, "with", (value: object) => value] as const),
  ...SIZES.map((members) => [members, "without", withoutEscapes] as const),
])("an object of %i members, %s escapes", (members, _kind, written) => {
  const whole = written(object(members, members > 40 ? 1 : 2)) as Record<string, unknown>;

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

test("a lone surrogate has none, as it is or escaped", () => {
  for (const text of ['"\ud800"', '"\ud800\\n"', '"\\ud800"', '{"\udc00":1}'])
    expect([text, canonicalJson(text)]).toEqual([text, undefined]);
  expect(canonicalJson('["\ud83d\ude00", "\\ud83d\\ude00"]')).toBe('["\u{1f600}","\u{1f600}"]');
});

test("leaving out all of many members takes about as long as keeping them", () => {
  const names = Array.from({ length: 30_000 }, (_, i) => `n${i}`);
  const text = JSON.stringify(Object.fromEntries(names.map((name) => [name, 1])));
  const [keeping, leavingOut] = [[], names].map((without) => shortest(() => canonicalJson(text, without)));
  expect(leavingOut! / keeping!).toBeLessThan(10); // 30 where each member is looked for in a list
});

/** Of a few: one may have been interrupted. */
function shortest(work: () => unknown): number {
  const times = Array.from({ length: 7 }, () => {
    const from = performance.now();
    work();
    return performance.now() - from;
  });
  return Math.min(...times);
}

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
