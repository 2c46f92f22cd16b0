import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { exchange } from "../support/raw-exchange.ts";
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

test.each(["authorization", "X-Api-Key", "cookie", "idempotency-key", "content-type"])(
  "a Connection field that would take %s away on the way to the upstream is refused",
  async (name) => {
    const headers = { "content-type": "application/json", connection: `close, ${name}`, "idempotency-key": "k" };
    const port = Number(new URL(gateway.url).port);
    const answer = await exchange(port, "/invoices", headers, JSON.stringify(INVOICE));
    expect(answer.head).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "bad-request" });
    expect(await api.count("/invoices")).toBe(0);
  },
);

test.each([
  ["host", ["a", "b"]],
  ["authorization", ["Bearer a", "Bearer a"]],
  ["x-api-key", ["a", "b"]],
  ["content-type", ["application/json", "text/plain"]],
])("a request with two %s fields is refused with a key and without, and reaches nobody", async (name, values) => {
  for (const key of [{ "idempotency-key": "k" }, {}]) {
    const headers = { "content-type": "application/json", ...key, [name]: values };
    const answer = await exchange(Number(new URL(gateway.url).port), "/invoices", headers, JSON.stringify(INVOICE));
    expect(answer.head).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      code: "bad-request",
      detail: expect.stringContaining(name),
    });
  }
  expect(await api.count("/invoices")).toBe(0);
});
