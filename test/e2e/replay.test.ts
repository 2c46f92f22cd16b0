import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { INVOICE, startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";

let api: SampleApi;
let gateway: OpenGateway;
beforeAll(async () => {
  api = await startSampleApi();
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: api.url });
});
afterAll(async () => {
  await gateway.close();
  await api.close();
});

test("a retry gets the first answer and makes no second invoice", async () => {
  const create = () =>
    fetch(`${gateway.url}/invoices`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-idempotency-key": "order-1" },
      body: JSON.stringify(INVOICE),
    });
  const first = await create();
  const retry = await create();
  expect([first.status, retry.status]).toEqual([201, 201]);
  expect(first.headers.get("idempotent-replayed")).toBeNull();
  expect(retry.headers.get("idempotent-replayed")).toBe("true");
  expect(await retry.text()).toBe(await first.text());
  expect(await api.count("/invoices")).toBe(1);
});
