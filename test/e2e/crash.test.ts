import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { spawnGateway, startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess, SpawnedGateway } from "../support/gateway.ts";
import { freePort } from "../support/redis-server.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { page, post } from "./keyed-post.ts";
import type { Seen } from "./keyed-post.ts";
import { storeFile } from "./store-file.ts";
import type { StoreFile } from "./store-file.ts";
import { until } from "../support/until.ts";

let api: SampleApi;
let store: StoreFile;
let started: SpawnedGateway[];
let invoicesBefore: number;
beforeAll(async () => {
  api = await startSampleApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  store = storeFile();
  started = [];
  invoicesBefore = await invoices();
});
afterEach(async () => {
  await Promise.all(started.map((gateway) => gateway.kill()));
  store.remove();
});

const invoices = () => api.count("/invoices");

/** One more gateway on this test's store: another one, or the one that crashed, started again. */
async function gatewayOnStore(env: Record<string, string> = {}): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: store.url, ...env });
  started.push(gateway);
  return gateway;
}

async function untilInvoiceIsMade(): Promise<void> {
  await until("the upstream has made the invoice", async () => (await invoices()) === invoicesBefore + 1);
}

/** Asked of the store, since a retry that came too early would be the first. */
async function untilClaimed(): Promise<void> {
  await until("the operation has been claimed", () => store.records() === 1);
}

/** Retries as a client does while it is told that the original still runs. */
async function retriedUntilSettled(url: string, key: string): Promise<{ answers: string[]; last: Seen }> {
  const answers: string[] = [];
  const last = await until("an answer other than operation-in-flight", async () => {
    const retry = await post(url, key);
    answers.push(retry.code ?? String(retry.status));
    return retry.code !== "operation-in-flight" && retry;
  });
  return { answers, last };
}

test.each(["delay:2000", "delay-after:2000"])(
  "a client that leaves while the upstream works (%s) gets the answer on its retry, and there is one invoice",
  async (fault) => {
    const gateway = await gatewayOnStore();
    const leaving = new AbortController();
    const first = post(gateway.url, "left-1", { fault, signal: leaving.signal }).catch((error: Error) => error.name);
    await untilClaimed();
    leaving.abort();
    expect(await first).toBe("AbortError");
    const { last } = await retriedUntilSettled(gateway.url, "left-1");
    expect([last.status, last.isReplay]).toEqual([201, true]);
    expect(JSON.parse(last.text)).toMatchObject({ customer: "Acme Ltd" });
    expect(await invoices()).toBe(invoicesBefore + 1);
  },
);

test("a gateway killed while the upstream works says outcome-unknown after its restart, and there is one invoice", async () => {
  const lease = { ONCEGATE_LEASE: "1s" };
  const first = await gatewayOnStore(lease);
  const lost = post(first.url, "killed-1", { fault: "hang" }).catch((error: Error) => error.name);
  await untilInvoiceIsMade();
  await first.kill();
  expect(await lost).toBe("TypeError"); // as fetch tells a broken connection

  const second = await gatewayOnStore(lease);
  const { answers, last } = await retriedUntilSettled(second.url, "killed-1");
  expect(new Set(answers.slice(0, -1))).toEqual(new Set(answers.length > 1 ? ["operation-in-flight"] : []));
  expect([last.status, last.code]).toEqual([409, "outcome-unknown"]);
  expect(JSON.parse(last.text)).toMatchObject({ reason: "owner-lost", retryable: false });
  expect((await post(second.url, "killed-1")).code).toBe("outcome-unknown");
  expect((await page(second.adminUrl, "/metrics")).text).toContain("oncegate_unknown_records 1\n");
  expect(await invoices()).toBe(invoicesBefore + 1);
});

test("the lease of a killed gateway is respected by its neighbour: in flight until it is over, then unknown, never free", async () => {
  const lease = { ONCEGATE_LEASE: "4s" };
  const [first, neighbour] = [await gatewayOnStore(lease), await gatewayOnStore(lease)];
  const lost = post(first.url, "killed-2", { fault: "hang-before" }).catch((error: Error) => error.name);
  await untilClaimed();
  await first.kill();
  expect(await lost).toBe("TypeError");
  const { answers, last } = await retriedUntilSettled(neighbour.url, "killed-2");
  expect(answers[0]).toBe("operation-in-flight");
  expect(last.code).toBe("outcome-unknown");
  expect(await invoices()).toBe(invoicesBefore);
});

test("on SIGTERM readiness says no, what runs ends, is answered and stored, and a restarted gateway replays it", async () => {
  const first = await gatewayOnStore();
  expect((await page(first.adminUrl, "/ready")).status).toBe(200);
  const running = post(first.url, "drained-1", { fault: "delay-after:6000" });
  await untilInvoiceIsMade();
  first.signal("SIGTERM");
  const ready = await until("readiness says no", async () => {
    const said = await page(first.adminUrl, "/ready");
    return said.status === 503 && said;
  });
  expect(JSON.parse(ready.text)).toEqual({ status: "draining" });
  const late = await post(first.url, "drained-2"); // load balancers still send for a moment
  expect([late.status, late.headers.get("connection")]).toEqual([201, "close"]);

  const answer = await running;
  expect(answer.status).toBe(201);
  expect(await first.exited).toBe(0);
  expect(first.lines.at(-1)).toMatchObject({ msg: "stopped" });
  const second = await gatewayOnStore();
  const retry = await post(second.url, "drained-1");
  expect([retry.status, retry.isReplay, retry.text]).toEqual([201, true, answer.text]);
  expect(await invoices()).toBe(invoicesBefore + 2);
});

test("a second signal leaves at once, and the operation under way is unknown, never free", async () => {
  const lease = { ONCEGATE_LEASE: "1s" };
  const first = await gatewayOnStore(lease);
  const lost = post(first.url, "twice-1", { fault: "hang" }).catch((error: Error) => error.name);
  await untilInvoiceIsMade();
  first.signal("SIGTERM");
  await first.logged((line) => line["signal"] === "SIGTERM");
  const askedAt = performance.now();
  first.signal("SIGINT");
  expect(await first.exited).not.toBeNull(); // it left by itself
  expect(performance.now() - askedAt).toBeLessThan(30_000); // one signal alone would wait for the grace, 130 s
  expect(await lost).toBe("TypeError");
  const { last } = await retriedUntilSettled((await gatewayOnStore(lease)).url, "twice-1");
  expect(last.code).toBe("outcome-unknown");
  expect(await invoices()).toBe(invoicesBefore + 1);
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "after %s and the grace, what hangs becomes unknown by reason of the shutdown, is told so, and the gateway exits",
  async (signal) => {
    const first = await gatewayOnStore({ ONCEGATE_SHUTDOWN_GRACE: "1s" });
    const hanging = post(first.url, "hung-1", { fault: "hang" });
    await untilInvoiceIsMade();
    const askedAt = performance.now();
    first.signal(signal);
    const told = await hanging;
    expect([told.status, told.code]).toEqual([502, "outcome-unknown"]);
    expect(JSON.parse(told.text)).toMatchObject({ reason: "shutdown" });
    expect(await first.exited).toBe(0);
    expect(performance.now() - askedAt).toBeLessThan(20_000);
    const retry = await post((await gatewayOnStore()).url, "hung-1"); // at once: no lease stands in the way
    expect([retry.status, retry.code]).toEqual([409, "outcome-unknown"]);
    expect(JSON.parse(retry.text)).toMatchObject({ reason: "shutdown" });
    expect(await invoices()).toBe(invoicesBefore + 1);
  },
);

test("the log says how the operation of a client that left ended", async () => {
  const gateway = await gatewayOnStore();
  const leaving = new AbortController();
  const options = { fault: "delay-after:3000", signal: leaving.signal };
  const first = post(gateway.url, "left-2", options).catch((error: Error) => error.name);
  await untilInvoiceIsMade();
  leaving.abort();
  expect(await first).toBe("AbortError");
  const line = await gateway.logged(({ msg, status }) => msg === "request" && status === 0);
  expect(line).toMatchObject({ outcome: "completed", rule: "default", upstreamMs: expect.any(Number) });
});

test("a signal is obeyed from the moment the ports are open, also while the store is waited for", async () => {
  const admin = `127.0.0.1:${await freePort()}`;
  const gateway = spawnGateway({
    ONCEGATE_UPSTREAM_URL: api.url,
    ONCEGATE_STORE: `redis://127.0.0.1:${await freePort()}`,
    ONCEGATE_ADMIN_LISTEN: admin,
  });
  started.push(gateway);
  await until("it lives", () =>
    page(`http://${admin}`, "/live").then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  gateway.signal("SIGINT");
  expect(await gateway.exited).toBe(0);
});
