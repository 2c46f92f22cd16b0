import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import type { RedisSettings } from "../../src/store/redis/open-redis.ts";
import type { StoreDescription } from "../../src/store/records.ts";
import { faultProxy } from "../support/fault-proxy.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { redisFixture } from "./redis-fixture.ts";
import type { RedisFixture } from "./redis-fixture.ts";
import { untilItAnswers } from "../support/until.ts";

/** What the real server says of its version and replicas, changed on the way; as long as before. */
let said: (info: string) => string;
const NEW = (info: string): string => info.replace(/redis_version:\d\.\d/, "redis_version:8.0");
let fixture: RedisFixture;
let proxy: FaultProxy;
beforeEach(async () => {
  said = NEW;
  fixture = await redisFixture();
  proxy = await faultProxy(fixture.server.port, (answer) => said(answer));
});
afterEach(async () => {
  await fixture.destroy();
  await proxy.close();
});

async function description(settings: RedisSettings = {}): Promise<StoreDescription> {
  const store = openRedis(`redis://127.0.0.1:${proxy.port}`, settings);
  try {
    return await untilItAnswers(() => store.describe());
  } finally {
    await store.close();
  }
}

describe("a Redis is described", () => {
  test("without a risk where it keeps what it acknowledges", async () => {
    expect(await description()).toMatchObject({ durability: "AOF, appendfsync always", risks: [] });
  });

  test.each([
    ["appendfsync", "everysec", "AOF, appendfsync everysec", "loses up to the last two seconds"],
    ["appendonly", "no", "none: records die with the server", "set appendonly yes and appendfsync always"],
    ["maxmemory-policy", "allkeys-lru", "AOF, appendfsync always", "evicts records when it is full"],
  ])("with %s %s as %s, and what that risks", async (setting, value, durability, risk) => {
    await fixture.client.config("SET", setting, value);
    const found = await description({ mayEvict: true });
    expect(found).toMatchObject({ durability, risks: [expect.stringContaining(risk)] });
  });

  test("with snapshots only as that", async () => {
    await fixture.client.config("SET", "appendonly", "no");
    await fixture.client.config("SET", "save", "60 1");
    expect((await description()).durability).toContain("RDB snapshots only");
  });

  const OLD = [expect.stringContaining("no fixes from its makers")];
  test.each([
    ["7.0", OLD],
    ["7.2", OLD],
    ["7.4", []],
    ["8.2", []],
  ])("of version %s with its risk", async (version, risks) => {
    said = (info) => info.replace(/redis_version:\d\.\d/, `redis_version:${version}`);
    expect(await description()).toMatchObject({ risks });
  });

  test("with replicas that nobody waits for as one that a failover empties", async () => {
    said = (info) => NEW(info).replace("connected_slaves:0\r\n", "slave0:state=online\n");
    const { risks } = await description();
    expect(risks).toEqual([expect.stringContaining("a failover loses what the replicas did not have yet")]);
    expect(await description({ waitReplicas: 1 })).toMatchObject({
      durability: "AOF, appendfsync always; 1 of 1 replicas must have it",
      risks: [],
    });
  });
});
