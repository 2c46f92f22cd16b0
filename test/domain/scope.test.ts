import { describe, expect, test } from "@jest/globals";
import { jwtClaims } from "../../src/domain/authorization.ts";
import { readContent } from "../../src/domain/content.ts";
import { fieldsOf } from "../../src/domain/fields.ts";
import { scopeOf, withoutScope } from "../../src/domain/scope.ts";
import type { ScopeSetting } from "../../src/domain/scope.ts";
import { parseSource } from "../../src/domain/source.ts";

type Headers = Record<string, string[]>;
const scope = (
  headers: Headers,
  setting: ScopeSetting = "auto",
  more: { path?: string; query?: string; fields?: Record<string, string> } = {},
) =>
  scopeOf(setting, {
    headers,
    path: more.path ?? "/",
    query: more.query ?? "",
    fields: { text: (name) => more.fields?.[name] },
    claims: () => jwtClaims(headers["authorization"]?.[0]),
  });
const scopeText = (...args: Parameters<typeof scope>): string => {
  const reading = scope(...args);
  return reading.kind === "scope" ? reading.scope : `missing: ${reading.what}`;
};
const auth = (value: string): Headers => ({ authorization: [value] });
const jwt = (claims: object): string =>
  `Bearer ${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.sig`;
const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

describe("the automatic scope", () => {
  test("is a JWT's issuer, subject and client, whatever else the token holds", () => {
    const claims = { iss: "https://id", sub: "u1", azp: "app" };
    expect(scopeText(auth(jwt({ ...claims, exp: 1 })))).toBe(scopeText(auth(jwt({ ...claims, exp: 2, jti: "x" }))));
    expect(scopeText(auth(jwt(claims)))).not.toBe(scopeText(auth(jwt({ ...claims, sub: "u2" }))));
    expect(scopeText(auth(jwt(claims)))).not.toBe(scopeText(auth(jwt({ ...claims, iss: "https://other" }))));
    expect(scopeText(auth(jwt(claims)))).not.toBe(scopeText(auth(jwt({ ...claims, azp: "app2" }))));
  });

  test("takes the whole Authorization for a token that names nobody or is no JWT", () => {
    expect(scopeText(auth(jwt({ exp: 1 })))).not.toBe(scopeText(auth(jwt({ exp: 2 }))));
    expect(scopeText(auth("Bearer opaque-1"))).not.toBe(scopeText(auth("Bearer opaque-2")));
    expect(scopeText(auth("Bearer a.b.c"))).toContain("Bearer a.b.c");
  });

  test("is the Basic user name, whatever the password", () => {
    expect(scopeText(auth(basic("alice:one")))).toBe(scopeText(auth(basic("alice:two"))));
    expect(scopeText(auth(basic("alice:one")))).not.toBe(scopeText(auth(basic("bob:one"))));
  });

  test("keeps user names apart that are no UTF-8", () => {
    const named = (name: string) => auth(`Basic ${Buffer.from(`${name}:p`, "latin1").toString("base64")}`);
    expect(scopeText(named("m\u00fcller"))).not.toBe(scopeText(named("m\u00f6ller")));
  });

  test("keeps subjects apart that are the same double", () => {
    const numbered = (sub: string) =>
      auth(`Bearer a.${Buffer.from(`{"iss":"i","sub":${sub}}`).toString("base64url")}.c`);
    expect(scopeText(numbered("12345678901234567890"))).not.toBe(scopeText(numbered("12345678901234567891")));
    expect(scopeText(numbered("7"))).toBe(scopeText(numbered("7.0")));
  });

  test("is never another customer's by a token that is not verified, where an API key is sent with it", () => {
    for (const forged of [jwt({ sub: "victim" }), basic("victim:wrong")])
      expect(scopeText({ ...auth(forged), "x-api-key": ["attacker"] })).not.toBe(scopeText(auth(forged)));
  });

  test("is the whole Authorization where Basic names nobody: two passwords are two customers", () => {
    expect(scopeText(auth(basic(":one")))).not.toBe(scopeText(auth(basic(":two"))));
  });

  test("reads a token bound to its sender (DPoP) as it reads a bearer's", () => {
    const dpop = (claims: object) => auth(jwt(claims).replace("Bearer", "DPoP"));
    expect(scopeText(dpop({ sub: "u1", exp: 1 }))).toBe(scopeText(dpop({ sub: "u1", exp: 2 })));
  });

  test("prefers X-Api-Key to an opaque Authorization", () => {
    expect(scopeText({ "x-api-key": ["k1"], authorization: ["Bearer a"] })).toBe(scopeText({ "x-api-key": ["k1"] }));
  });

  test("is never the same for values of different kinds", () => {
    const seen = [auth("k"), { "x-api-key": ["k"] }, auth(basic("k:p")), auth(jwt({ sub: "k" })), {}].map((headers) =>
      scopeText(headers),
    );
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("is missing where only a cookie is sent, and common where nothing is", () => {
    expect(scope({ cookie: ["session=1"] })).toMatchObject({ kind: "missing" });
    expect(scope({})).toMatchObject({ kind: "scope" });
  });
});

describe("a scope of sources", () => {
  const fieldOf = (type: string, text: string): string | undefined =>
    fieldsOf(readContent(type, undefined, Buffer.from(text))).text("tenant");
  const FORM = "application/x-www-form-urlencoded";

  test.each([
    ["a form that is no UTF-8", () => fieldOf(FORM, "tenant=m%FCller"), () => fieldOf(FORM, "tenant=m%F6ller")],
    [
      "JSON with halves of characters",
      () => fieldOf("application/json", String.raw`{"tenant":"\ud800"}`),
      () => fieldOf("application/json", String.raw`{"tenant":"\ud801"}`),
    ],
  ])("is missing where all values of a kind would read the same: %s", (_what, one, other) => {
    expect([one(), other()]).toEqual([undefined, undefined]);
  });

  test("so also in a query and in a path", () => {
    const query = (text: string) => scope({}, [{ from: "query", name: "org" }], { query: text });
    const path = (text: string) => scope({}, [{ from: "path", index: 1 }], { path: text });
    for (const reading of [query("org=m%FCller"), path("/m%FCller"), path("/%zz")])
      expect(reading).toMatchObject({ kind: "missing" });
  });

  test("is the same for every spelling of a path that the API takes for the same", () => {
    const [plain, spelled, other] = ["/a b", "/%61%20b", "/a%2520b"].map((path) =>
      scopeText({}, [{ from: "path", index: 1 }], { path: path.replaceAll(" ", "%20") }),
    );
    expect(spelled).toBe(plain);
    expect(other).not.toBe(plain);
  });

  test("does not take a parameter for another one whose name begins with a question mark", () => {
    expect(scope({}, [{ from: "query", name: "org" }], { query: "?org=a" })).toMatchObject({ kind: "missing" });
  });

  test.each([
    ["header:X-Tenant", { kind: "scope", scope: '["sources","t1"]' }],
    ["basic:username", { kind: "scope", scope: '["sources","alice"]' }],
    ["query:org", { kind: "scope", scope: '["sources","o1"]' }],
    ["path:2", { kind: "scope", scope: '["sources","orgs"]' }],
    ["body:clientCode", { kind: "scope", scope: '["sources","c1"]' }],
    ["header:x-none", { kind: "missing", what: "The request has no header x-none, or more than one." }],
    ["jwt:sub", { kind: "missing", what: "The request has no claim sub in a JWT, or more than one." }],
  ])("reads %s", (text, expected) => {
    const source = parseSource(text);
    if (source === undefined) throw new Error("no source");
    const headers = { "x-tenant": ["t1"], ...auth(basic("alice:x")) };
    expect(scope(headers, [source], { path: "/v1/orgs/7", query: "org=o1", fields: { clientCode: "c1" } })).toEqual(
      expected,
    );
  });

  test("does not take a value that is sent twice", () => {
    expect(scope({ "x-tenant": ["a", "b"] }, [{ from: "header", name: "x-tenant" }])).toMatchObject({
      kind: "missing",
    });
    expect(scope({}, [{ from: "query", name: "org" }], { query: "org=a&org=b" })).toMatchObject({ kind: "missing" });
  });

  test("is missing where a part is empty: an empty name would be everybody's", () => {
    expect(scope({ "x-tenant": [""] }, [{ from: "header", name: "x-tenant" }])).toMatchObject({ kind: "missing" });
    expect(scope({}, [{ from: "path", index: 1 }], { path: "/" })).toMatchObject({ kind: "missing" });
  });

  test.each([["cookie:x"], ["basic:password"], ["path:0"], ["header:"], ["x"]])("%s is no source", (text) => {
    expect(parseSource(text)).toBeUndefined();
  });
});

test("a path is logged without the segments that say whose key it is", () => {
  const path = "/v1/tenant-7/invoices/4";
  expect(withoutScope("auto", path)).toBe(path);
  expect(withoutScope([{ from: "header", name: "x-tenant" }], path)).toBe(path);
  expect(withoutScope([{ from: "path", index: 2 }], path)).toBe("/v1/*/invoices/4");
  expect(
    withoutScope(
      [
        { from: "path", index: 9 },
        { from: "path", index: 4 },
      ],
      path,
    ),
  ).toBe("/v1/tenant-7/invoices/*");
  expect(withoutScope([{ from: "path", index: 1 }], "/")).toBe("/");
});
