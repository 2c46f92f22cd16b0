import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { PARTITIONS, indexKey, slotOf } from "../../src/store/redis/layout.ts";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { untilReady } from "../support/installation.ts";
import { startCluster } from "../support/redis-cluster.ts";
import type { RedisCluster } from "../support/redis-cluster.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { faultsOf, loadThrough, NO_FAULTS } from "./retrying-clients.ts";

let api: SampleApi;
let cluster: RedisCluster;
let gateways: GatewayProcess[] = [];
const urls = (): string[] => gateways.map(({ url }) => url);

beforeEach(async () => {
  [api, cluster] = await Promise.all([startSampleApi(), startCluster({ nodeTimeoutMs: 2_000 })]);
  const settings = { ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: cluster.url };
  gateways = await Promise.all([startGatewayProcess(settings), startGatewayProcess(settings)]);
  await Promise.all(gateways.map(untilReady));
});
afterEach(async () => {
  await Promise.all(gateways.map((gateway) => gateway.kill()));
  await Promise.all([api.close(), cluster.close()]);
});

describe("two gateways on a cluster, under load", () => {
  test("make each invoice once while every slot of a server is moved to another one", async () => {
    const [from, to] = cluster.masters;
    const slots = new Set(PARTITIONS.map((partition) => slotOf(indexKey(partition))));
    const held = [...slots].filter((slot) => slot < 16_384 / cluster.masters.length);
    const outcome = await loadThrough(urls(), async (load) => {
      let interrupted = 0;
      await cluster.move(held, from!, to!, async () => {
        interrupted += 20;
        await until("requests that met the move", () => load.interrupted() >= interrupted);
      });
    });
    expect(held.length).toBeGreaterThan(10);
    expect(outcome.interruptions.get("503 store-unavailable")).toBeGreaterThan(0);
    expect(await faultsOf(outcome, urls(), api)).toEqual(NO_FAULTS);
  });

  test("make each invoice once when a server is killed and its replica takes over", async () => {
    const [killed] = cluster.masters;
    const outcome = await loadThrough(urls(), async () => {
      await killed!.kill9();
      await until("its replica is master", async () =>
        String(await cluster.client(cluster.replicas[0]!).call("ROLE")).startsWith("master"),
      );
      await killed!.start();
    });
    expect(outcome.interruptions.get("503 store-unavailable")).toBeGreaterThan(0);
    expect(await faultsOf(outcome, urls(), api)).toEqual(NO_FAULTS);
  });
});
