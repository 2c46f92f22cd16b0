import { describe, expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { erplyError } from "../support/erply-error.ts";
import { expectProblem } from "../support/expect-problem.ts";
import { oneRule } from "./one-rule.ts";

const one = oneRule();

describe("errors in the words of an API:", () => {
  test("other statuses of a problem", async () => {
    await one.withRule({ errors: { format: "problem", statuses: { "operation-in-flight": 503 } } });
    const running = Promise.withResolvers<ServerResponse>();
    one.answer = running.resolve;
    const first = one.post();
    const res = await running.promise;
    expectProblem(await one.post(), "operation-in-flight", 503);
    res.writeHead(201).end();
    expect((await first).status).toBe(201);
  });

  test("ERPLY's envelope at HTTP 200, for what has a code there; all else is a problem document", async () => {
    await one.withRule({ onCompleted: "reject", errors: { format: "erply", codes: { "already-completed": 1206 } } });
    await one.post({ body: '{"request":"saveSalesDocument"}' });
    const rejected = await one.post({ body: '{"request":"saveSalesDocument"}' });
    expect([rejected.status, rejected.headers.get("content-type"), rejected.fields]).toEqual([
      200,
      "application/json",
      erplyError("saveSalesDocument", 1206),
    ]);
    expectProblem(await one.post({ body: "other" }), "key-reused");
  });

  test("JSON-RPC's, for the id of the request", async () => {
    await one.withRule({ errors: { format: "jsonrpc", codes: { "key-reused": -32_001 } } });
    await one.post({ body: '{"id":1,"method":"a"}' });
    const { status, fields } = await one.post({ body: '{"id":2,"method":"b"}' });
    expect([status, fields]).toMatchObject([
      200,
      { jsonrpc: "2.0", id: 2, error: { code: -32_001, data: { code: "key-reused", status: 422 } } },
    ]);
  });

  test("Stripe's, with its advice", async () => {
    await one.withRule({ errors: { format: "stripe" } });
    await one.post();
    const { status, headers, fields } = await one.post({ body: '{"a":1}' });
    expect([status, headers.get("stripe-should-retry"), fields["error"]]).toEqual([
      422,
      "false",
      expect.objectContaining({ type: "idempotency_error", code: "key-reused" }),
    ]);
  });
});
