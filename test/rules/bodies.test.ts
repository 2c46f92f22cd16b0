import { describe, expect, test } from "@jest/globals";
import { expectProblem } from "../support/expect-problem.ts";
import { send } from "../support/installation.ts";
import { JSON_TYPE, oneRule } from "./one-rule.ts";

const one = oneRule();

describe("a fingerprint that ignores fields", () => {
  const IGNORE = { fingerprint: { ignore: ["body:sessionKey", "query:at"] } };
  const FORM = { "content-type": "application/x-www-form-urlencoded" };
  const parts = (session: string, total: string) =>
    ["sessionKey", session, "total", total].reduce(
      (text, word, i) =>
        text + (i % 2 === 0 ? `--x\r\nContent-Disposition: form-data; name="${word}"\r\n\r\n` : `${word}\r\n`),
      "",
    ) + "--x--";
  const MULTIPART = { "content-type": "multipart/form-data; boundary=x" };

  test.each<[string, Record<string, string>, string, string, string]>([
    [
      "JSON",
      JSON_TYPE,
      '{"sessionKey":"a","total":1}',
      '{"total":1,"sessionKey":{"b":1}}',
      '{"sessionKey":"a","total":2}',
    ],
    [
      "JSON of more than 64 KB",
      JSON_TYPE,
      `{"sessionKey":"a","x":"${"x".repeat(70_000)}"}`,
      `{"sessionKey":"b","x":"${"x".repeat(70_000)}"}`,
      `{"sessionKey":"a","x":"${"y".repeat(70_000)}"}`,
    ],
    ["a form", FORM, "sessionKey=a&total=1", "sessionKey=b&total=1", "sessionKey=a&total=2"],
    ["multipart", MULTIPART, parts("a", "1"), parts("b", "1"), parts("a", "2")],
  ])("takes attempts that differ in them for one, and no others: %s", async (_, headers, first, retry, other) => {
    await one.withRule(IGNORE);
    await one.post({ headers, body: first });
    expect((await one.post({ headers, body: retry })).replayed).toBe(true);
    expectProblem(await one.post({ headers, body: other }), "key-reused");
  });

  test("so also in the query", async () => {
    await one.withRule(IGNORE);
    const to = (query: string) => send(`${one.gateway.url}/invoices?${query}`, { headers: { "idempotency-key": "k" } });
    await to("at=1&for=a");
    expect((await to("at=2&for=a")).replayed).toBe(true);
    expectProblem(await to("at=1&for=b"), "key-reused");
  });

  test("a field within another one is no field to be ignored", async () => {
    await one.withRule(IGNORE);
    await one.post({ body: '{"a":{"sessionKey":1}}' });
    expect((await one.post({ body: '{"a":{"sessionKey":2}}' })).code).toBe("key-reused");
  });
});

describe("a schema", () => {
  const SCHEMA = {
    schema: { type: "object", required: ["total"], properties: { total: { type: ["number", "string"] } } },
  };

  test("refuses with what is wrong, executes and stores nothing, and the mended body may have the same key", async () => {
    await one.withRule(SCHEMA);
    const refused = await one.post({ body: '{"sum":1}' });
    expectProblem(refused, "validation-failed");
    expect(refused.fields["errors"]).toEqual([{ pointer: "", detail: "must have required property 'total'" }]);
    expect([(await one.post({ body: '{"total":1}' })).status, one.executed]).toEqual([201, 1]);
  });

  test.each([
    ["no JSON", JSON_TYPE, "{"],
    ["another media type", { "content-type": "text/plain" }, '{"total":1}'],
  ])("refuses what it cannot read: %s", async (_, headers, body) => {
    await one.withRule(SCHEMA);
    expectProblem(await one.post({ headers, body }), "validation-failed");
    expect(one.executed).toBe(0);
  });

  test("is for operations: what has no key passes", async () => {
    await one.withRule(SCHEMA);
    expect((await send(`${one.gateway.url}/invoices`, { body: "{}" })).status).toBe(201);
  });
});
