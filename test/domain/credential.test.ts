import { describe, expect, test } from "@jest/globals";
import { readContent } from "../../src/domain/content.ts";
import { credentialOf } from "../../src/domain/credential.ts";
import { fieldsOf } from "../../src/domain/fields.ts";

type Headers = Record<string, string[]>;
const NAMED = [
  { from: "body", name: "sessionKey" },
  { from: "header", name: "x-session" },
  { from: "query", name: "session" },
] as const;
type Sent = { headers?: Headers; body?: string; query?: string; named?: readonly (typeof NAMED)[number][] };

function reading({ headers = {}, body = "", query = "", named = NAMED }: Sent) {
  const type = body.startsWith("{") ? "application/json" : "application/x-www-form-urlencoded";
  const fields = fieldsOf(readContent(type, undefined, Buffer.from(body)));
  return credentialOf(named, { headers, path: "/", query, fields, claims: () => undefined });
}
function credential(sent: Sent): string {
  const read = reading(sent);
  return read.kind === "credential" ? read.credential : `missing: ${read.what}`;
}
const usual = (headers: Headers): string => credential({ headers, named: [] });
const auth = (value: string): Headers => ({ authorization: [value] });

describe("the credential", () => {
  test("is what the upstream authenticates by: a new token is another credential", () => {
    expect(usual(auth("Bearer a"))).not.toBe(usual(auth("Bearer b")));
    expect(usual({ "x-api-key": ["a"] })).not.toBe(usual({ "x-api-key": ["b"] }));
  });

  test("is another one in another field", () => {
    const seen = [{ authorization: ["k"] }, { "x-api-key": ["k"] }, { cookie: ["k"] }, {}].map((one) =>
      usual(one as Headers),
    );
    expect(new Set(seen).size).toBe(4);
  });

  test("does not change with cookies where another credential is sent", () => {
    expect(usual({ ...auth("Bearer a"), cookie: ["x=1"] })).toBe(usual({ ...auth("Bearer a"), cookie: ["x=2"] }));
    expect(usual({ cookie: ["x=1"] })).not.toBe(usual({ cookie: ["x=2"] }));
  });

  test.each(["authorization", "x-api-key"])("is the cookie where %s is sent and says nothing", (empty) => {
    const seen = ["x=1", "x=2"].map((cookie) => usual({ [empty]: [""], cookie: [cookie] }));
    expect(seen[0]).not.toBe(seen[1]);
  });
});

describe("the credential that a rule names", () => {
  test("is another one with another value, in another place, or beside another usual one", () => {
    const seen = [
      { body: "sessionKey=a" },
      { body: "sessionKey=b" },
      { headers: { "x-session": ["a"] } },
      { query: "session=a" },
      { body: "sessionKey=a", headers: { "x-session": ["a"] } },
      { body: "sessionKey=a", headers: auth("Bearer a") },
      { body: "sessionKey=a", headers: { cookie: ["a=1"] } },
    ].map((sent) => credential(sent as Sent));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.join()).not.toContain("missing");
  });

  test("is the same in JSON and in a form, and in whatever order the rule lists its places", () => {
    expect(credential({ body: '{"sessionKey":"a"}' })).toBe(credential({ body: "sessionKey=a" }));
    const both: Sent = { body: "sessionKey=a", query: "session=b" };
    expect(credential({ ...both, named: NAMED.toReversed() })).toBe(credential(both));
  });

  test.each<[string, Sent]>([
    ["nothing", {}],
    ["an empty field", { body: "sessionKey=" }],
    ["null", { body: '{"sessionKey":null}' }],
    ["another credential alone", { headers: auth("Bearer a") }],
    ["an empty header", { headers: { "x-session": [""] } }],
  ])("is missing where there is %s: all without one would be the same caller", (_, sent) => {
    expect(credential(sent)).toBe(
      "missing: The request has no field sessionKey in its body and no header x-session and no parameter session in its query.",
    );
  });

  test.each<[string, Sent]>([
    ["twice in a form", { body: "sessionKey=a&sessionKey=b" }],
    ["a list", { body: '{"sessionKey":["a"]}' }],
    ["a number that no double holds", { body: '{"sessionKey":12345678901234567890}' }],
    ["twice in a query", { query: "session=a&session=b" }],
    ["two headers", { headers: { "x-session": ["a", "b"] } }],
    ["not one text, beside one that is", { body: '{"sessionKey":{}}', headers: { "x-session": ["a"] } }],
  ])("is missing where it is %s: the next could not be told from it", (_, sent) => {
    expect(credential(sent)).toMatch(/^missing: The request has a .* that is not one text\.$/);
  });
});
