import { beforeEach, describe, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { until } from "../support/until.ts";
import { efakturuj, WELL } from "./efakturuj-api.ts";
import type { Behaviour } from "./efakturuj-api.ts";
import { answerJson, style } from "./style.ts";

let behaves: Behaviour;
let calls: number;
beforeEach(() => {
  [behaves, calls] = [WELL, 0];
});
const api = style(
  "efakturuj.yaml",
  efakturuj(() => (work) => {
    calls++;
    behaves(work);
  }),
);

const INVOICE = { invoice_number: "2026-0001", issue_date: "2026-11-22", total: "120.00" };
const post = (key: string, headers: Record<string, string> = {}, invoice: object = INVOICE) =>
  api.send("/invoices", {
    headers: { authorization: "Bearer key_1", "content-type": "application/json", "idempotency-key": key, ...headers },
    body: JSON.stringify(invoice),
  });
const failing =
  (status: number, code: string): Behaviour =>
  ({ res }) =>
    answerJson(res, status, { error: { code } });

describe("style 3, efakturuj.yaml: an API with no idempotency at all", () => {
  test("without the gateway's key, POST /invoices twice creates two rows; with it one", async () => {
    const keyless = () =>
      api.send("/invoices", { headers: { authorization: "Bearer key_1" }, body: JSON.stringify(INVOICE) });
    await Promise.all([keyless(), keyless()]);
    expect(api.made).toHaveLength(2);
    const [first, retry] = [await post("k1"), await post("k1")];
    expect([first.status, retry.replayed, retry.fields["id"], api.made.length]).toEqual([201, true, "inv_3", 3]);
  });

  test("X-Request-Id is a key, too, and the same UUID in both is one key", async () => {
    const uuid = randomUUID();
    const named = (headers: Record<string, string>) =>
      api.send("/invoices", { headers: { authorization: "Bearer key_1", ...headers }, body: JSON.stringify(INVOICE) });
    await named({ "x-request-id": uuid });
    expect((await named({ "x-request-id": uuid, "idempotency-key": uuid })).replayed).toBe(true);
    expect(api.made).toHaveLength(1);
  });

  test("keys are kept apart by API key", async () => {
    await post("k1");
    expect([(await post("k1", { authorization: "Bearer key_2" })).replayed, api.made.length]).toEqual([false, 2]);
  });

  test("502 peppol_delivery_failed is failed to act: released; another 502 is unknown and never sent again", async () => {
    behaves = failing(502, "peppol_delivery_failed");
    expect((await post("k1")).status).toBe(502);
    behaves = WELL;
    expect([(await post("k1")).status, calls]).toEqual([201, 2]);
    for (const [key, status] of [
      ["k2", 502],
      ["k3", 500],
      ["k4", 503],
    ] as const) {
      behaves = failing(status, "internal");
      const other = { ...INVOICE, invoice_number: key };
      await post(key, {}, other);
      expect((await post(key, {}, other)).code).toBe("outcome-unknown");
    }
    expect(calls).toBe(5);
  });

  test("what became of an unknown is looked up on the client's retry, by the invoice number, with its own credentials", async () => {
    await post("k0", {}, { ...INVOICE, invoice_number: "2026-00011" }); // has the other one's number in it
    behaves = ({ make, res }) => {
      make();
      res.socket?.resetAndDestroy();
    };
    expect((await post("k1")).code).toBe("outcome-unknown");
    const retry = await post("k1");
    expect([retry.status, retry.fields["id"], retry.headers.get("idempotency-source")]).toEqual([
      201,
      "inv_2",
      "probe",
    ]);
    expect([(await post("k1")).replayed, calls, api.made.length]).toEqual([true, 2, 2]);
  });

  test("an unknown that is not there is not executed at once: the API may still be working on it", async () => {
    behaves = failing(500, "internal");
    await post("k1");
    const retry = await post("k1");
    expect([retry.status, retry.code, calls]).toEqual([409, "outcome-unknown", 1]);
  });

  test("402 and other refusals are final: tried once; nothing began, so the key is free", async () => {
    for (const status of [402, 403, 404, 422]) {
      behaves = failing(status, "refused");
      expect((await post(`k${status}`)).status).toBe(status);
    }
    expect(calls).toBe(4);
    behaves = WELL;
    expect((await post("k402")).status).toBe(201);
  });

  test("429 with Retry-After is honoured by the gateway, within the client's wait", async () => {
    behaves = ({ res, make, created }) => {
      if (calls > 2) created(make());
      else res.writeHead(429, { "retry-after": "1" }).end();
    };
    expect([(await post("k1")).status, calls, api.made.length]).toEqual([201, 3, 1]);
  });

  test("5 consecutive 5xx open the circuit of one API key: 503 with Retry-After, and no call", async () => {
    behaves = failing(500, "internal");
    for (let i = 0; i < 5; i++) await post(`k${i}`);
    const refused = await post("k5");
    expect([refused.status, refused.code, calls]).toEqual([503, "circuit-open", 5]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(25);
    behaves = WELL;
    expect((await post("k6", { authorization: "Bearer key_2" })).status).toBe(201);
  });

  test("a retry of what still runs waits for its answer", async () => {
    const running = Promise.withResolvers<() => void>();
    behaves = ({ make, created }) => running.resolve(() => created(make()));
    const first = post("k1");
    const end = await running.promise;
    const retry = post("k1");
    await until("the retry has asked, again", async () => {
      const metrics = await (await fetch(`${api.gateway.adminUrl}/metrics`)).text();
      return Number(/store_seconds_count\{verb="claim".*\} (\d+)/.exec(metrics)?.[1]) > 2;
    });
    end();
    expect([(await first).status, (await retry).replayed, api.made.length]).toEqual([201, true, 1]);
  });
});
