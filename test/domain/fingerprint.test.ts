import { describe, expect, test } from "@jest/globals";
import { canonicalJson } from "../../src/domain/canonical-json.ts";
import { readContent } from "../../src/domain/content.ts";
import { fieldsOf } from "../../src/domain/fields.ts";
import { fingerprintOf } from "../../src/domain/fingerprint.ts";
import type { FingerprintMode } from "../../src/domain/fingerprint.ts";

const SECRET = Buffer.alloc(32, 7);
type Sent = {
  method?: string;
  path?: string;
  query?: string;
  type?: string;
  coding?: string;
  body: string | Buffer;
  mode?: FingerprintMode;
  ignore?: { fields?: string[]; query?: string[] };
};
function print({
  method = "POST",
  path = "/invoices",
  query = "",
  type = "application/json",
  coding,
  body,
  mode = "content",
  ignore: { fields = [], query: parameters = [] } = {},
}: Sent): string {
  const bytes = Buffer.from(body as string);
  const content = readContent(type, coding, bytes);
  const setting = { mode, ignore: { fields, query: parameters } };
  return fingerprintOf(SECRET, setting, { method, path, query, body: bytes, content });
}
const json = (body: string): string => print({ body });

describe("a fingerprint", () => {
  test("tells method, path, query and body apart", () => {
    const base = { body: '{"a":1}' };
    const others = [{ method: "PATCH" }, { path: "/invoice" }, { query: "a=1" }, { body: '{"a":2}' }].map((change) =>
      print({ ...base, ...change }),
    );
    expect(new Set([print(base), ...others]).size).toBe(5);
    expect(print({ body: "", path: "/a", query: "b" })).not.toBe(print({ body: "b", path: "/a" }));
  });

  test("takes JSON by value: order of members, white space and spelling of strings do not matter", () => {
    expect(json('{"a":1,"b":[1,2],"c":"é"}')).toBe(json('{ "c": "\\u00e9", "b": [1, 2],\n"a": 1 }'));
    expect(json('{"a":[1,2]}')).not.toBe(json('{"a":[2,1]}'));
  });

  test.each([
    ["12345678901234567890", "12345678901234567891"],
    ["10.00", "10"],
    ["1e2", "100"],
    ["-0", "0"],
  ])("keeps number text: %s is not %s", (one, other) => {
    expect(json(`{"total":${one}}`)).not.toBe(json(`{"total":${other}}`));
  });

  test("recognises JSON with parameters and suffixes", () => {
    const spaced = '{ "a": 1 }';
    for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.invoice+json;v=1"])
      expect(print({ type, body: spaced })).toBe(json('{"a":1}'));
    expect(print({ type: "text/plain", body: spaced })).not.toBe(print({ type: "text/plain", body: '{"a":1}' }));
  });

  test("compares bytes where the body is coded, malformed, ambiguous or larger than 64 KB", () => {
    expect(print({ coding: "gzip", body: '{ "a":1}' })).not.toBe(print({ coding: "gzip", body: '{"a":1}' }));
    for (const [one, other] of [
      ['{"a":1', '{"a": 1'],
      ['{"a":1,"a":2}', '{"a":1, "a":2}'],
      ['{"a":"\\ud800"}', '{"a": "\\ud800"}'],
    ] as const) {
      expect(json(one)).toBe(json(one));
      expect(json(one)).not.toBe(json(other));
    }
    const large = JSON.stringify({ a: "x".repeat(70_000) });
    expect(json(large)).not.toBe(json(` ${large}`));
  });

  test("takes multipart by its parts, so that a new boundary is the same request", () => {
    const form = (boundary: string, file = "%PDF-1") =>
      print({
        type: `multipart/form-data; boundary=${boundary}`,
        body: `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}\r\ncontent-type: application/pdf\r\nContent-Disposition: form-data; name="f"; filename="x.pdf"\r\n\r\n${file}\r\n--${boundary}--\r\n`,
      });
    expect(form("----A1")).toBe(form("----B22"));
    expect(form("----A1")).not.toBe(form("----A1", "%PDF-2"));
  });

  test("tells fields of a form apart that hold the same, and files by their names", () => {
    const form = (disposition: string) =>
      print({
        type: "multipart/form-data; boundary=x",
        body: `--x\r\nContent-Disposition: ${disposition}\r\n\r\n1\r\n--x--`,
      });
    const forms = ['name="net"', 'name="gross"', 'name="net"; filename="a"', 'name="net"; filename="b"'];
    expect(new Set(forms.map((rest) => form(`form-data; ${rest}`))).size).toBe(4);
  });

  test("compares multipart by bytes where something follows its end or its parts are too many", () => {
    const form = (boundary: string, parts: number, behind = "") =>
      print({
        type: `multipart/form-data; boundary=${boundary}`,
        body: `${`--${boundary}\r\nA: 1\r\n\r\n\r\n`.repeat(parts)}--${boundary}--${behind}`,
      });
    expect(form("x", 1)).toBe(form("y", 1, "\r\n"));
    expect(form("x", 1)).not.toBe(form("x", 1, "\r\nmore"));
    expect(form("x", 1_000)).toBe(form("y", 1_000));
    expect(form("x", 1_001)).not.toBe(form("y", 1_001));
  });

  test("tells JSON from the same text of another type", () => {
    expect(print({ type: "text/plain", body: '{"a":1}' })).not.toBe(json('{"a":1}'));
  });

  test("compares bytes where mode is bytes, and only the key where it is none", () => {
    expect(print({ mode: "bytes", body: "{ }" })).not.toBe(print({ mode: "bytes", body: "{}" }));
    expect(print({ mode: "none", body: "a" })).toBe(print({ mode: "none", body: "b", path: "/other" }));
  });
});

describe("canonical JSON", () => {
  test.each([
    ["null", "null"],
    [' [ true , false , "a\\/b" ] ', '[true,false,"a/b"]'],
    ['{"b":{},"a":[]}', '{"a":[],"b":{}}'],
    ['"\\u0041\\n"', '"A\\n"'],
    ["-1.50E+3", "-1.50E+3"],
  ])("of %s is %s", (text, canonical) => expect(canonicalJson(text)).toBe(canonical));

  test.each([
    ["{'a':1}"],
    ["[1,]"],
    ["01"],
    ["1 2"],
    ['{"a"}'],
    ["\u00a0{}"],
    ["nul"],
    ["+1"],
    ['{"a":1,"\\u0061":2}'],
    ['"\\x"'],
    [""],
    ["[".repeat(66) + "]".repeat(66)],
  ])("there is none of %s", (text) => expect(canonicalJson(text)).toBeUndefined());

  test("agrees with JSON.parse on what a text means", () => {
    for (const value of [{ z: [1, { y: 'é\u2028"', x: null }], a: { c: 1.5, b: true } }, [[[]]], "plain", 0])
      expect(JSON.parse(canonicalJson(JSON.stringify(value, null, 2)) ?? "")).toEqual(value);
  });
});

describe("a field of the body", () => {
  test.each([
    ["application/json", '{"clientCode":"c1"}', "c1"],
    ["application/json", '{"clientCode":17}', "17"],
    ["application/json", '{"clientCode":12345678901234567890}', undefined],
    ["application/json", '{"clientCode":{"a":1}}', undefined],
    ["application/json", '{"__proto__":{"clientCode":"x"}}', undefined],
    ["application/x-www-form-urlencoded", "a=1&clientCode=c%201", "c 1"],
    ["application/x-www-form-urlencoded", "clientCode=a&clientCode=b", undefined],
    [
      "multipart/form-data; boundary=x",
      '--x\r\nContent-Disposition: form-data; name="clientCode"\r\n\r\nc1\r\n--x--',
      "c1",
    ],
    [
      "multipart/form-data; boundary=x",
      '--x\r\nContent-Disposition: form-data; name="clientCode"; filename="f"\r\n\r\nc1\r\n--x--',
      undefined,
    ],
    ["text/plain", "clientCode=c1", undefined],
  ])("of %s %s is %s", (type, body, expected) => {
    expect(fieldsOf(readContent(type, undefined, Buffer.from(body))).text("clientCode")).toBe(expected);
  });
});
