import { describe, expect, test } from "@jest/globals";
import { expectProblem } from "../support/expect-problem.ts";
import { until } from "../support/until.ts";
import { answerJson, style } from "./style.ts";

const held: (() => void)[] = [];
/** A payment is made at every POST; one that says so is made when the test lets it go. */
const ietf = style("ietf.yaml", ({ body }, res, made) => {
  const make = (): void => {
    made.push(body);
    answerJson(res, 201, { payment: made.length });
  };
  if (body.includes("slow")) held.push(make);
  else make();
});
const post = (key: string | undefined, body = '{"amount":1}') =>
  ietf.send("/payments", {
    headers: { "content-type": "application/json", ...(key === undefined ? {} : { "idempotency-key": key }) },
    body,
  });

describe("ietf.yaml: structured-field strings, required key, problem types", () => {
  test("a key is a structured-field string, and the same one without its quotes", async () => {
    await post('"8e03978e-40d5-43dd-bc93-6894a57f9324"');
    expect((await post('"8e03978e-40d5-43dd-bc93-6894a57f9324"')).replayed).toBe(true);
    expect((await post("8e03978e-40d5-43dd-bc93-6894a57f9324")).replayed).toBe(true);
    expect(ietf.made).toHaveLength(1);
  });

  test("without a key, and with a broken one: 400, a problem, nothing executed", async () => {
    expectProblem(await post(undefined), "key-missing", 400);
    expectProblem(await post('"open'), "key-invalid", 400);
    expect(ietf.made).toHaveLength(0);
  });

  test("a key with another payload: 422; while the first request runs: 409", async () => {
    await post('"a"');
    expectProblem(await post('"a"', '{"amount":2}'), "key-reused", 422);
    const first = post('"b"', '{"slow":1}');
    await until("it runs", () => held.length === 1);
    expectProblem(await post('"b"', '{"slow":1}'), "operation-in-flight", 409);
    held.pop()?.();
    expect((await first).status).toBe(201);
  });

  test("no other path needs a key", async () => {
    expect((await ietf.send("/refunds", { body: "{}" })).status).toBe(201);
  });
});
