import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { untilReady } from "../support/installation.ts";
import { replicasOf } from "../support/redis-sentinels.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { INVOICE, startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { startSplitSentinels } from "../support/split-sentinels.ts";
import type { SplitSentinels } from "../support/split-sentinels.ts";
import { until } from "../support/until.ts";
import { post } from "./keyed-post.ts";
import { faultsOf, loadThrough, NO_FAULTS } from "./retrying-clients.ts";

let api: SampleApi;
let redis: SplitSentinels;
let gateway: GatewayProcess;
beforeEach(async () => {
  [api, redis] = await Promise.all([startSampleApi(), startSplitSentinels()]);
});
afterEach(async () => {
  await gateway.kill();
  await Promise.all([api.close(), redis.close()]);
});

/** On the minority's side, with the master. */
async function startGateway(waitReplicas: string): Promise<void> {
  gateway = await startGatewayProcess({
    ONCEGATE_UPSTREAM_URL: api.url,
    ONCEGATE_STORE: redis.url,
    ONCEGATE_REDIS_WAIT_REPLICAS: waitReplicas,
  });
  await untilReady(gateway);
}

async function askOf<Answer>({ port }: RedisServer, command: (client: Redis) => Promise<Answer>): Promise<Answer> {
  const client = new Redis({ port, host: "127.0.0.1" });
  return command(client).finally(() => client.disconnect());
}

const isMaster = (server: RedisServer) =>
  askOf(server, async (client) => /^role:master/m.test(await client.info("replication")));

/** Until the majority has a master of its own, and then one network again: the old master gives up what only it has. */
async function heal(): Promise<void> {
  redis.heal();
  await until("the old master follows the new one", async () => (await replicasOf(redis.replica)) === 1);
}

/** What was executed and has no record: it would be executed again. */
async function lost(): Promise<{ executed: number; lost: number }> {
  const executed = await api.count("/invoices");
  const keys = await askOf(redis.replica, (client) => client.keys("og:{*}:*"));
  const records = keys.filter((key) => /^og:\{.\}:[\w-]{22}\.[\w-]{22}$/.test(key)).length;
  return { executed, lost: executed - records };
}

describe("a gateway that is split off with the master, while the majority makes another one", () => {
  test("loses no acknowledged claim where one replica is waited for", async () => {
    await startGateway("1");
    let executedMeanwhile = 0;
    const outcome = await loadThrough([gateway.url], async () => {
      redis.split();
      const before = await api.count("/invoices");
      await until("another master", () => isMaster(redis.replica));
      executedMeanwhile = (await api.count("/invoices")) - before;
      await heal();
    });
    const { executed, lost: gone } = await lost();
    console.log(`WAIT 1: ${executed} executed, ${executedMeanwhile} of them while split, ${gone} claims lost`);
    expect(outcome.interruptions.get("503 store-unavailable")).toBeGreaterThan(0);
    expect(gone).toBe(0);
    expect(await faultsOf(outcome, [gateway.url], api)).toEqual(NO_FAULTS);
  });

  test("loses claims where none is waited for, says so when it is back, and executes none of them again", async () => {
    await startGateway("0");
    const numbers: string[] = [];
    const makeSome = async (): Promise<void> => {
      const some = Array.from({ length: 8 }, (_, i) => `${numbers.length + i}`);
      numbers.push(...some);
      const answers = await Promise.all(some.map(async (number) => (await send(number)).status));
      expect(answers).toEqual(some.map(() => 201));
    };
    const send = (number: string) => post(gateway.url, number, { body: JSON.stringify({ ...INVOICE, number }) });

    await makeSome();
    redis.split();
    const kept = numbers.length;
    await until("another master", async () => {
      await makeSome();
      return isMaster(redis.replica);
    });
    await heal();
    const found = await lost();
    console.log(`no WAIT: of ${numbers.length - kept} claims that were acknowledged while split, ${found.lost} lost`);
    expect(found.lost).toBeGreaterThan(0);

    const again = await until("the gateway is back", async () => {
      const { status, code } = await send(numbers.at(-1)!);
      return code !== "store-unavailable" && code !== "operation-in-flight" && `${status} ${code}`;
    });
    expect(again).toBe("503 store-lost-data");
    const answers = await Promise.all(numbers.map(send));
    expect(new Set(answers.map(({ status, code }) => `${status} ${code}`))).toEqual(
      new Set(["201 undefined", "503 store-lost-data"]),
    );
    expect(await api.count("/invoices")).toBe(numbers.length);
  });
});
