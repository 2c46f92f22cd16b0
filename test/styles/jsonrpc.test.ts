import { describe, expect, test } from "@jest/globals";
import { answerJson, style } from "./style.ts";

type Call = { id: number; method: string; params?: { number?: string; idempotencyKey?: string } };
const refusing = { code: -32_602, message: "Invalid params" };
const broken = { code: -32_000, message: "The ledger is closed" };

/** One URL; every call of invoice.create makes an invoice, errors are HTTP 200 with `error`. */
const rpc = style("jsonrpc.yaml", ({ body }, res, made) => {
  const { id, method, params } = JSON.parse(body) as Call;
  const error = params?.number === undefined ? refusing : params.number === "closed" ? broken : undefined;
  if (method !== "invoice.create") return answerJson(res, 200, { jsonrpc: "2.0", id, result: made });
  if (error !== refusing) made.push(params?.number);
  answerJson(res, 200, { jsonrpc: "2.0", id, ...(error === undefined ? { result: made.length } : { error }) });
});
const call = (id: number, method: string, params: Call["params"], headers: Record<string, string> = {}) =>
  rpc.send("/rpc", {
    headers: { "content-type": "application/json", authorization: "Bearer T", ...headers },
    body: JSON.stringify({ jsonrpc: "2.0", id, method, params }),
  });
const K1 = { "idempotency-key": "k1" };

describe("jsonrpc.yaml", () => {
  test("id differs per attempt and is ignored in the fingerprint; a replay is the first answer, byte for byte", async () => {
    const first = await call(1, "invoice.create", { number: "a" }, K1);
    const retry = await call(2, "invoice.create", { number: "a" }, K1);
    expect([retry.replayed, retry.body, rpc.made]).toEqual([true, first.body, ["a"]]);
  });

  test("method decides the rule: reading calls pass, creating ones need a key, also one in their params", async () => {
    expect((await call(1, "invoice.list", {})).fields["result"]).toEqual([]);
    const refused = await call(7, "invoice.create", { number: "a" });
    expect([refused.status, refused.fields]).toMatchObject([200, { id: 7, error: { code: -32_001 } }]);
    const params = { number: "a", idempotencyKey: "k1" };
    await call(8, "invoice.create", params);
    expect((await call(9, "invoice.create", params)).replayed).toBe(true);
    expect(rpc.made).toEqual(["a"]);
  });

  test("errors are HTTP 200 with error: what was not understood is released, what was refused after it began is stored", async () => {
    expect((await call(1, "invoice.create", {}, K1)).fields["error"]).toEqual(refusing);
    expect((await call(2, "invoice.create", { number: "a" }, K1)).fields["result"]).toBe(1);
    const K2 = { "idempotency-key": "k2" };
    expect((await call(3, "invoice.create", { number: "closed" }, K2)).fields["error"]).toEqual(broken);
    expect((await call(4, "invoice.create", { number: "closed" }, K2)).replayed).toBe(true);
    expect(rpc.made).toEqual(["a", "closed"]);
  });

  test("a stored answer is for the token it was made with; without Authorization a creating call is not sent", async () => {
    const token = (serial: number): string =>
      `Bearer ${[{ alg: "RS256" }, { sub: "the same caller", serial }].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.x`;
    await call(1, "invoice.create", { number: "a" }, { ...K1, authorization: token(1) });
    for (const [authorization, code] of [
      [token(2), -32_006],
      ["", -32_005],
    ] as const) {
      const refused = await call(2, "invoice.create", { number: "a" }, { ...K1, authorization });
      expect([refused.status, refused.fields]).toMatchObject([200, { id: 2, error: { code } }]);
      expect(refused.fields).not.toHaveProperty("result");
    }
    expect((await call(3, "invoice.create", { number: "a" }, { ...K1, authorization: token(1) })).replayed).toBe(true);
    expect(rpc.made).toEqual(["a"]);
  });

  test("refusals of the gateway are errors for the id of the call", async () => {
    await call(1, "invoice.create", { number: "a" }, K1);
    const { status, fields } = await call(5, "invoice.create", { number: "b" }, K1);
    expect([status, fields]).toMatchObject([
      200,
      { jsonrpc: "2.0", id: 5, error: { code: -32_002, data: { code: "key-reused" } } },
    ]);
  });
});
