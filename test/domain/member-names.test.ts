import { describe, expect, test } from "@jest/globals";
import { assert, json, property, string } from "fast-check";
import { hasRepeatedName } from "../../src/domain/member-names.ts";

const isRepeated = (text: string): boolean => hasRepeatedName(text, JSON.parse(text));

describe("a name that stands twice in one object", () => {
  test.each([
    ['{"a":1,"a":2}', true],
    ['{"a":1,"a":1}', true],
    ['{"a":1,"\\u0061":2}', true],
    ['[{"b":[{"x" : {} , "x"\n: {}}]}]', true],
    ['{"__proto__":1,"__proto__":2}', true],
    ['{"a":{"a":{"a":1}},"b":{"a":"a"}}', false],
    ['[{"a":1},{"a":2}]', false],
    ['{"a":"\\"b\\":1,\\"b\\":2"}', false],
    ['{"a\\\\":"\\\\","b":"\\\\\\""}', false],
    ['{"__proto__":1,"a":":"}', false],
    ['"a"', false],
    ["null", false],
  ])("%s: %s", (text, expected) => expect(isRepeated(text)).toBe(expected));

  test("is in no text that JSON.stringify wrote, and in each in which an object has one once more", () => {
    assert(
      property(json({ noUnicodeString: false }), string(), (text, name) => {
        const member = `${JSON.stringify(name)}:${text}`;
        const found = [text, `{${member}}`, `[0,{${member},"-${name.length}":0,${member}}]`].map(isRepeated);
        expect([text, name, found]).toEqual([text, name, [false, false, true]]);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is looked for in what is nested deeper than a stack", () => {
    const [open, close] = ["[".repeat(50_000), "]".repeat(50_000)];
    expect([isRepeated(`${open}${close}`), isRepeated(`${open}{"a":1,"a":1}${close}`)]).toEqual([false, true]);
  });
});
