import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { freePort, startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { page, post } from "./keyed-post.ts";
import { until } from "../support/until.ts";

const PASSWORD = "correct-horse-battery";
const WRONG_PASSWORD = "wrong-donkey-charger";

let api: SampleApi;
let gateway: GatewayProcess;
let invoicesBefore: number;
let close: (() => Promise<void>)[] = [];
beforeAll(async () => {
  api = await startSampleApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  invoicesBefore = await api.count("/invoices");
});
afterEach(async () => {
  await gateway.kill();
  for (const one of close.splice(0)) await one();
});

async function gatewayOn(redisUrl: string): Promise<void> {
  gateway = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: redisUrl });
}

async function redis(options: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
  const server = await startRedis(options);
  close.push(() => server.close());
  return server;
}

/** Takes connections and bytes, and never answers. */
async function silentServer(): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).resume();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  close.push(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** Refuses every operation as long as the store is out of reach for the reason, says it, and lets the rest pass. */
async function refusesBecause(why: RegExp): Promise<void> {
  const refused = await post(gateway.url, "order-1");
  expect([refused.status, refused.code, refused.headers.get("retry-after")]).toEqual([503, "store-unavailable", "1"]);
  expect(JSON.parse(refused.text)).toMatchObject({
    retryable: true,
    detail: expect.stringContaining("Nothing was sent"),
  });
  expect(await api.count("/invoices")).toBe(invoicesBefore);

  const ready = await until("readiness says why", async () => {
    const said = await page(gateway.adminUrl, "/ready");
    return why.test(said.text) && said;
  });
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.text)).toMatchObject({ status: "store-unavailable", why: expect.stringMatching(why) });
  expect((await page(gateway.adminUrl, "/live")).status).toBe(200);
  // When it is known: the first request may have come before the first connection failed.
  expect((await post(gateway.url, "order-1")).code).toBe("store-unavailable");
  const line = await gateway.logged(
    ({ outcome, ...rest }) => outcome === "store-unavailable" && why.test(String(rest["why"])),
  );
  expect(line).toMatchObject({ msg: "request", status: 503 });

  expect((await fetch(`${gateway.url}/invoices`)).status).toBe(200); // what needs no store passes
  expect(await api.count("/invoices")).toBe(invoicesBefore);
}

async function executesOnceReady(): Promise<void> {
  await until("ready by itself", async () => (await page(gateway.adminUrl, "/ready")).status === 200);
  const [first, retry] = [await post(gateway.url, "order-1"), await post(gateway.url, "order-1")];
  expect([first.status, first.isReplay]).toEqual([201, false]);
  expect([retry.status, retry.isReplay, retry.text]).toEqual([201, true, first.text]);
  expect(await api.count("/invoices")).toBe(invoicesBefore + 1);
}

test("a Redis that refuses connections: operations are refused until it appears, and then they run by themselves", async () => {
  const port = await freePort();
  await gatewayOn(`redis://127.0.0.1:${port}`);
  await refusesBecause(/refuses connections/);
  await redis({ port });
  await executesOnceReady();
  const told = await gateway.logged(({ msg }) => msg.startsWith("the store cannot be used"));
  expect(told["level"]).toBe("error");
});

test("a Redis that accepts and never answers: operations are refused within seconds", async () => {
  await gatewayOn(`redis://127.0.0.1:${await silentServer()}`);
  const askedAt = performance.now();
  await refusesBecause(/does not answer/);
  expect(performance.now() - askedAt).toBeLessThan(25_000);
});

test("a Redis that asks for a password nobody gave: operations are refused, and the log says so", async () => {
  const { port } = await redis({ password: PASSWORD });
  await gatewayOn(`redis://127.0.0.1:${port}`);
  await refusesBecause(/asks for a password/);
  expect(gateway.text()).not.toContain(PASSWORD);
});

test("a Redis that refuses the password: operations are refused, and no log has the password", async () => {
  const { port } = await redis({ password: PASSWORD });
  await gatewayOn(`redis://:${WRONG_PASSWORD}@127.0.0.1:${port}`);
  await refusesBecause(/password/);
  for (const secret of [PASSWORD, WRONG_PASSWORD]) {
    expect(gateway.text()).not.toContain(secret);
    expect(gateway.text()).not.toContain(Buffer.from(secret).toString("base64").replace(/=+$/, ""));
  }
});

test("a Redis with its password executes, and goes on by itself after a crash of Redis", async () => {
  const server = await redis({ password: PASSWORD });
  await gatewayOn(server.url);
  await executesOnceReady();
  await server.kill9();
  await until("not ready", async () => (await page(gateway.adminUrl, "/ready")).status === 503);
  const refused = await post(gateway.url, "order-2");
  expect([refused.status, refused.code]).toEqual([503, "store-unavailable"]);
  await server.start();
  await until("ready again", async () => (await page(gateway.adminUrl, "/ready")).status === 200);
  expect((await post(gateway.url, "order-1")).isReplay).toBe(true);
  expect(await api.count("/invoices")).toBe(invoicesBefore + 1);
  expect(gateway.text()).not.toContain(PASSWORD);
});

test("a Redis that answers is named in the start log, with its durability and without its password", async () => {
  const server = await redis({ password: PASSWORD });
  await gatewayOn(server.url);
  const started = await gateway.logged(({ msg }) => msg === "oncegate started");
  expect(started).toMatchObject({
    store: `redis://127.0.0.1:${server.port}/0`,
    durability: expect.stringContaining("appendfsync"),
  });
  expect(gateway.text()).not.toContain(PASSWORD);
});
