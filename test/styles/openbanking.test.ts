import { describe, expect, test } from "@jest/globals";
import { expectProblem } from "../support/expect-problem.ts";
import { answerJson, style } from "./style.ts";

/** A payment consent is made at every POST. */
const bank = style("openbanking.yaml", ({ body }, res, made) => {
  made.push(body);
  answerJson(res, 201, { Data: { ConsentId: String(made.length) } });
});
const post = (key: string | undefined, { token = "t1", client = "tpp-1", amount = "10.00" } = {}) =>
  bank.send("/open-banking/v3.1/pisp/domestic-payment-consents", {
    headers: {
      authorization: `Bearer ${token}`,
      "x-client-id": client,
      "content-type": "application/json",
      ...(key === undefined ? {} : { "x-idempotency-key": key }),
    },
    body: JSON.stringify({ Data: { Initiation: { InstructedAmount: { Amount: amount } } } }),
  });

describe("openbanking.yaml: a required key of at most 40 characters", () => {
  test("40 characters are a key, 41 are refused, and so is none", async () => {
    expect((await post("k".repeat(40))).status).toBe(201);
    expectProblem(await post("k".repeat(41)), "key-invalid");
    expectProblem(await post(undefined), "key-missing");
    expect(bank.made).toHaveLength(1);
  });

  test("a client that got a new token meanwhile gets its answer; another client with the same key makes its own payment", async () => {
    const first = await post("k1");
    const renewed = await post("k1", { token: "t2" });
    const other = await post("k1", { client: "tpp-2" });
    expect([first, renewed, other].map(({ replayed, fields }) => [replayed, fields])).toEqual([
      [false, { Data: { ConsentId: "1" } }],
      [true, { Data: { ConsentId: "1" } }],
      [false, { Data: { ConsentId: "2" } }],
    ]);
  });

  test("another amount with the same key is refused, be it written 10.0", async () => {
    await post("k1");
    expect((await post("k1", { amount: "10.0" })).code).toBe("key-reused");
  });
});
