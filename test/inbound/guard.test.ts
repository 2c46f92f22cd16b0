import { describe, expect, test } from "@jest/globals";
import { createGuard } from "../../src/inbound/guard.ts";
import { aRule } from "../support/rule.ts";

/** What a guard depends on; all that it refuses everywhere is in conformance/hostile-requests.test.ts. */
const RULE = aRule({
  match: { methods: ["POST", "PUT"], path: undefined, body: [] },
  key: { headers: ["x-request-id", "order_number"], fields: [], maxLength: 255, pattern: undefined, isRequired: false },
  scope: [{ from: "header", name: "x-tenant" }, { from: "basic" }],
});
const guard = createGuard({ rules: [RULE], pseudonym: "oncegate-12345678" });

const head = (lines: string[], method = "POST", path = "/invoices") => ({
  method,
  target: path,
  path,
  httpVersion: "1.1",
  rawHeaders: ["Host", "gateway", ...lines.flatMap((line) => line.split(": "))],
  isUpgrade: false,
});

describe("the fields that a rule reads are as safe as those that every gateway reads:", () => {
  test.each([
    ["a key twice", ["X-Request-Id: a", "x-request-id: a"], "key-conflict"],
    ["the scope twice", ["X-Tenant: a", "X-Tenant: b"], "bad-request"],
    ["a look-alike of the key", ["X_Request_Id: a"], "bad-request"],
    ["a look-alike of the scope", ["X-Tenant: a", "x_tenant: b"], "bad-request"],
    ["a look-alike, in the usual spelling, of a key that has an unusual one", ["Order-Number: a"], "bad-request"],
    ["Connection that takes the scope away", ["Connection: close, x-tenant"], "bad-request"],
    ["Connection that takes the key away", ["Connection: Order_Number"], "bad-request"],
  ])("%s is refused", (_what, lines, code) => {
    expect(guard(head(lines))).toMatchObject({ code });
  });

  test.each([
    ["each once", ["X-Request-Id: a", "order_number: a", "X-Tenant: b"]],
    ["another gateway's key, which is nobody's here, twice", ["Idempotency-Key: a", "Idempotency-Key: b"]],
  ])("%s is not", (_what, lines) => {
    expect(guard(head(lines))).toBeUndefined();
  });
});

test("paths must be plain for the methods that a rule accepts, and no others", () => {
  const refusing = ["POST", "PUT", "PATCH", "GET"].filter((method) => guard(head([], method, "/a%2fb")) !== undefined);
  expect(refusing).toEqual(["POST", "PUT"]);
});

test("a loop is known by this gateway's own name alone", () => {
  expect(guard(head(["Via: 1.1 oncegate-12345678"]))).toMatchObject({ code: "loop" });
  expect(guard(head(["Via: 1.1 oncegate, 1.1 oncegate-87654321"]))).toBeUndefined();
});
