import { afterEach, expect, test } from "@jest/globals";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { untilReady } from "../support/installation.ts";
import { startRedis } from "../support/redis-server.ts";
import { startSampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { faultsOf, loadThrough, NO_FAULTS } from "./retrying-clients.ts";

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

const LOAD_MS = 30_000;

test("a store that keeps everything is never said to have lost something: Redis and all gateways are restarted under load", async () => {
  const [api, redis] = [await startSampleApi(), await startRedis()];
  ending.push(
    () => api.close(),
    () => redis.close(),
  );
  const all: GatewayProcess[] = [];
  const start = async (): Promise<GatewayProcess> => {
    const gateway = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: redis.url });
    ending.push(() => gateway.kill());
    all.push(gateway);
    await untilReady(gateway);
    return gateway;
  };
  const serving = [await start(), await start()];
  const urls = serving.map(({ url }) => url);
  const startedAt = performance.now();
  const outcome = await loadThrough(urls, async (load) => {
    for (const [i, old] of serving.entries()) {
      await redis.restart();
      const before = load.done();
      await until("invoices after the restart", () => load.done() >= before + 100);
      urls[i] = (await start()).url;
      old.signal("SIGTERM");
      expect(await old.exited).toBe(0);
    }
    while (performance.now() - startedAt < LOAD_MS) {
      const before = load.done();
      await until("more invoices", () => load.done() > before);
    }
  });
  expect(outcome.interruptions.get("503 store-unavailable")).toBeGreaterThan(0);
  expect(await faultsOf(outcome, urls, api)).toEqual(NO_FAULTS);
  expect(all).toHaveLength(4);
  for (const gateway of all) expect(gateway.text()).not.toContain("store-lost-data");
}, 300_000);
