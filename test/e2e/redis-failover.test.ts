import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { untilReady } from "../support/installation.ts";
import { startSentinels } from "../support/redis-sentinels.ts";
import type { Sentinels } from "../support/redis-sentinels.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { faultsOf, loadThrough, NO_FAULTS } from "./retrying-clients.ts";

let api: SampleApi;
let sentinels: Sentinels;
let gateways: GatewayProcess[];
const urls = (): string[] => gateways.map(({ url }) => url);

beforeEach(async () => {
  [api, sentinels] = await Promise.all([startSampleApi(), startSentinels({ downAfterMs: 1_500 })]);
});
afterEach(async () => {
  await Promise.all(gateways.map((gateway) => gateway.kill()));
  await Promise.all([api.close(), sentinels.close()]);
});

async function startGateways(env: Record<string, string> = {}): Promise<void> {
  const settings = { ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: sentinels.url, ...env };
  gateways = await Promise.all([startGatewayProcess(settings), startGatewayProcess(settings)]);
  await Promise.all(gateways.map(untilReady));
}

describe("two gateways on Sentinel, under load", () => {
  test("make each invoice once when the master is killed, also when it comes back as a replica", async () => {
    await startGateways();
    const killed = await sentinels.master();
    const outcome = await loadThrough(urls(), async () => {
      await killed.kill9();
      await until("another master", async () => {
        const now = await sentinels.master();
        return now !== undefined && now !== killed;
      });
      await killed.start();
    });
    expect(outcome.interruptions.get("503 store-unavailable")).toBeGreaterThan(0);
    expect(await faultsOf(outcome, urls(), api)).toEqual(NO_FAULTS);
    await sentinels.untilReplicated();
  });

  // Not with one of two: the old master goes on for seconds, and the replica that is not promoted says that it has its writes.
  test("make each invoice once when an operator moves the master, where all replicas are waited for", async () => {
    await startGateways({ ONCEGATE_REDIS_WAIT_REPLICAS: "2" });
    const outcome = await loadThrough(urls(), () => sentinels.failover());
    expect(outcome.interruptions.get("503 store-unavailable")).toBeGreaterThan(0);
    expect(await faultsOf(outcome, urls(), api)).toEqual(NO_FAULTS);
  });

  // As docs/redis.md has it.
  test("make each invoice once when the master is paused and then moved, where one replica is waited for", async () => {
    await startGateways();
    const outcome = await loadThrough(urls(), async () => {
      const { port } = await sentinels.master();
      const client = new Redis({ port, host: "127.0.0.1" });
      await client.call("CLIENT", "PAUSE", 60_000, "WRITE");
      client.disconnect();
      await sentinels.failover();
    });
    expect(outcome.interruptions.get("503 store-unavailable")).toBeGreaterThan(0);
    expect(await faultsOf(outcome, urls(), api)).toEqual(NO_FAULTS);
  });
});
