import { describe, expect, test } from "@jest/globals";
import { answerJson, style } from "./style.ts";

/** A charge is made at every POST, also where the answer is 500; 429 and 402 make none. */
const stripe = style("stripe.yaml", ({ body }, res, made) => {
  const form = new URLSearchParams(body);
  const status = Number(form.get("metadata[status]") ?? 200);
  if (status === 429) return answerJson(res, 429, { error: { type: "rate_limit_error" } });
  if (status === 402) return answerJson(res, 402, { error: { type: "card_error" } });
  made.push(form.get("amount"));
  if (status === 502) return void res.writeHead(502).end("bad gateway");
  answerJson(res, status, { id: `ch_${made.length}` });
});
const charge = (key: string, form: Record<string, string>, account: Record<string, string> = {}) =>
  stripe.send("/v1/charges", {
    headers: {
      authorization: "Bearer sk_test_1",
      "idempotency-key": key,
      "content-type": "application/x-www-form-urlencoded",
      ...account,
    },
    body: new URLSearchParams({ amount: "2000", currency: "eur", ...form }).toString(),
  });
const KEY = "stripe-node-retry-6d1b"; // as its library sends it, bare

describe("stripe.yaml: form bodies, Idempotency-Key unquoted, stripe-should-retry advice, 5xx stored", () => {
  test("the same form with the same key makes one charge", async () => {
    const [first, retry] = [await charge(KEY, {}), await charge(KEY, {})];
    expect([first.fields, retry.fields, retry.replayed, stripe.made]).toEqual([
      { id: "ch_1" },
      { id: "ch_1" },
      true,
      ["2000"],
    ]);
  });

  test("another connected account is not shown what the first one was answered", async () => {
    const [first, retry] = [
      await charge(KEY, {}, { "stripe-account": "acct_1" }),
      await charge(KEY, {}, { "stripe-account": "acct_1" }),
    ];
    const another = await charge(KEY, {}, { "stripe-account": "acct_2" });
    expect([first.status, retry.replayed, another.status, another.replayed]).toEqual([200, true, 409, false]);
    expect(another.fields).toMatchObject({ error: { type: "idempotency_error" } });
    expect(stripe.made).toEqual(["2000"]);
  });

  test("a 500 is stored and given again", async () => {
    const form = { "metadata[status]": "500" };
    const [first, retry] = [await charge(KEY, form), await charge(KEY, form)];
    expect([first.status, retry.status, retry.replayed, stripe.made.length]).toEqual([500, 500, true, 1]);
  });

  test("a refused card is stored, a rate limit is not", async () => {
    for (const [status, replayed] of [
      ["402", true],
      ["429", false],
    ] as const) {
      await charge(KEY + status, { "metadata[status]": status });
      expect((await charge(KEY + status, { "metadata[status]": status })).replayed).toBe(replayed);
    }
  });

  test("other parameters with the same key: an idempotency_error that its library does not retry", async () => {
    await charge(KEY, {});
    const { status, headers, fields } = await charge(KEY, { amount: "1" });
    expect([status, headers.get("stripe-should-retry"), fields]).toMatchObject([
      422,
      "false",
      { error: { type: "idempotency_error" } },
    ]);
    expect(stripe.made).toHaveLength(1);
  });

  test("an outcome that nobody knows is never sent again, and its library is told not to retry", async () => {
    await charge(KEY, { "metadata[status]": "502" });
    const { status, headers } = await charge(KEY, { "metadata[status]": "502" });
    expect([status, headers.get("stripe-should-retry"), stripe.made.length]).toEqual([409, "false", 1]);
  });
});
