import { describe, expect, test } from "@jest/globals";
import { fieldsOf } from "../../src/domain/fields.ts";
import { keyHashOf, keyOf, nameOf } from "../../src/domain/key.ts";
import { digest } from "../../src/domain/token.ts";

const NAMES = ["x-idempotency-key", "idempotency-key"];
const SETTING = { headers: NAMES, fields: ["uuid"], maxLength: 255, pattern: undefined, isRequired: false };
const read = (headers: Record<string, string[]>) => keyOf(SETTING, headers, undefined);
const inBody = (body: object) => fieldsOf({ kind: "json", text: JSON.stringify(body) });
const key = (sent: string) => read({ "x-idempotency-key": [sent] });

describe("a key", () => {
  test("is the same bare and quoted", () => {
    expect(key("abc")).toEqual({ kind: "key", key: "abc" });
    expect(key('"abc"')).toEqual({ kind: "key", key: "abc" });
    expect(key('"a\\"b\\\\c"')).toEqual({ kind: "key", key: 'a"b\\c' });
  });

  test("may have 255 characters, counted without quotes, and not one more", () => {
    const longest = "k".repeat(255);
    expect(key(longest)).toEqual({ kind: "key", key: longest });
    expect(key(`"${longest}"`)).toEqual({ kind: "key", key: longest });
    expect(key(`${longest}k`)).toMatchObject({ kind: "refused", code: "key-invalid" });
  });

  test("keeps spaces, commas and bytes above ASCII as they are", () => {
    expect(key("a, b Ã¼")).toEqual({ kind: "key", key: "a, b Ã¼" });
  });

  test.each([[""], ['""'], ['"open'], ['"a"b"'], ['"a\\x"'], ["tab\there"], ["del\u007f"]])("refuses %j", (sent) => {
    expect(key(sent)).toMatchObject({ kind: "refused", code: "key-invalid" });
  });

  test("sent twice in one header is a conflict, even where both are equal", () => {
    expect(read({ "idempotency-key": ["a", "a"] })).toMatchObject({ kind: "refused", code: "key-conflict" });
  });

  test("may stand in both headers where they agree, quoted or not", () => {
    expect(read({ "x-idempotency-key": ["a"], "idempotency-key": ['"a"'] })).toEqual({ kind: "key", key: "a" });
    expect(read({ "x-idempotency-key": ["a"], "idempotency-key": ["b"] })).toMatchObject({ code: "key-conflict" });
  });

  test("in a field of the body counts as one in a header, and is held against it", () => {
    const of = (headers: Record<string, string[]>, body: object) => keyOf(SETTING, headers, inBody(body));
    const refused = { kind: "refused", code: "key-conflict" };
    expect(of({}, { uuid: "a" })).toEqual({ kind: "key", key: "a" });
    expect(of({}, { uuid: "" })).toEqual({ kind: "absent" });
    expect(of({ "idempotency-key": ["a"] }, { uuid: "a" })).toEqual({ kind: "key", key: "a" });
    expect(of({ "idempotency-key": ["a"] }, {})).toEqual({ kind: "key", key: "a" });
    expect(of({ "idempotency-key": ["a"] }, { uuid: "b" })).toMatchObject(refused);
    expect(of({ "idempotency-key": ["a"] }, { uuid: 1.5 })).toMatchObject({ kind: "refused", code: "key-invalid" });
    expect(of({ "idempotency-key": ["a"], "x-idempotency-key": ["b"] }, { uuid: "a" })).toMatchObject(refused);
    expect(of({ "idempotency-key": [""] }, { uuid: "a" })).toMatchObject({ kind: "refused", code: "key-invalid" });
  });

  test("is held against the rule's pattern, wherever it stands", () => {
    const setting = { ...SETTING, pattern: /^\d+$/ };
    expect(keyOf(setting, { "idempotency-key": ["12"] }, undefined)).toEqual({ kind: "key", key: "12" });
    expect(keyOf(setting, { "idempotency-key": ["a"] }, undefined)).toMatchObject({ code: "key-invalid" });
    expect(keyOf(setting, {}, inBody({ uuid: "x" }))).toMatchObject({ code: "key-invalid" });
  });

  test("is absent where no header carries one", () => {
    expect(read({ "content-type": ["a"] })).toEqual({ kind: "absent" });
  });
});

describe("a stored name", () => {
  const [secret, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

  test("shows neither scope nor key, and depends on the secret", () => {
    const name = nameOf(secret, "customer-7", "order-1");
    expect(name).toMatch(/^[\w-]{22}\.[\w-]{22}$/);
    expect(name).not.toContain("order");
    expect(nameOf(other, "customer-7", "order-1")).not.toBe(name);
  });

  test("differs by scope, and its key's half does not", () => {
    const [one, two] = [nameOf(secret, "a", "k"), nameOf(secret, "b", "k")];
    expect(one).not.toBe(two);
    expect(keyHashOf(one)).toBe(keyHashOf(two));
    expect(keyHashOf(one)).not.toBe(keyHashOf(nameOf(secret, "a", "l")));
  });

  test("does not show that a key is its scope's own name", () => {
    const [scopes, keys] = nameOf(secret, "same", "same").split(".");
    expect(scopes).not.toBe(keys);
  });
});

describe("a digest", () => {
  const of = (purpose: string, ...values: (string | Uint8Array)[]) => digest(Buffer.alloc(32, 1), purpose, ...values);

  test("of one value differs by what it is taken for", () => {
    expect(of("credential", "same")).not.toBe(of("scope", "same"));
  });

  test("is the same of a text and of its bytes, and tells where one value ends and the next begins", () => {
    expect(of("any", "Ülo")).toBe(of("any", Buffer.from("Ülo")));
    expect(of("any", "ab", "c")).not.toBe(of("any", "a", "bc"));
  });
});
