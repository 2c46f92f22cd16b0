import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import type { Store } from "../../src/store/records.ts";
import { AT_ONCE, replicasOf } from "../support/redis-sentinels.ts";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { until, untilItAnswers } from "../support/until.ts";
import { anAttempt, anyName, LEASE, theAnswer } from "./operation.ts";

const TOO_FEW = { name: "StoreError", fate: "ambiguous", message: expect.stringContaining("too few replicas") };

let master: RedisServer;
let replica: RedisServer;
let client: Redis;
let store: Store;
beforeAll(async () => {
  master = await startRedis({ extra: AT_ONCE });
  replica = await startRedis({ extra: [...AT_ONCE, "--replicaof", "127.0.0.1", `${master.port}`] });
  client = new Redis(master.port, "127.0.0.1");
});
afterAll(async () => {
  client.disconnect();
  await master.close();
  await replica.close();
});
beforeEach(async () => {
  await until("a replica in step", async () => (await replicasOf(master)) === 1);
  store = openRedis(master.url, { waitReplicas: 1 });
  await untilItAnswers(() => store.probe());
  await untilItAnswers(() => store.nameSecret(Buffer.from("the secret")));
});
afterEach(async () => {
  replica.continue();
  await store.close();
});

describe("a Redis store that waits for a replica", () => {
  test("says that a claim, an answer and a release count only when the replica has them", async () => {
    const { records } = store;
    const [name, failed] = [anyName(), anyName()];
    const attempt = anAttempt(store, { deadline: records.time(name) + 9_000 });
    await untilItAnswers(() => records.claim(failed, attempt));
    const verbs: [() => Promise<unknown>, unknown][] = [
      [() => records.claim(name, attempt), { kind: "yours" }],
      [() => records.complete(name, theAnswer(attempt, "invoice 1")), "completed"],
      [() => records.release(failed, attempt.owner), expect.objectContaining({ answer: "released" })],
    ];
    for (const [verb, again] of verbs) {
      replica.stop();
      await expect(verb()).rejects.toMatchObject(TOO_FEW);
      replica.continue();
      expect(await untilItAnswers(verb)).toEqual(again);
    }
  });

  test("says that a withdrawn claim stands no more only when the replica has what another attempt put in its place", async () => {
    const { records } = store;
    const name = anyName();
    const [first, second] = [anAttempt(store), anAttempt(store)];
    await untilItAnswers(() => records.claim(name, first));
    replica.stop();
    await expect(records.release(name, first.owner)).rejects.toMatchObject(TOO_FEW);
    await expect(records.claim(name, second)).rejects.toMatchObject(TOO_FEW);
    // A failover now would bring the first one back, and nobody would withdraw it any more.
    await expect(records.release(name, first.owner)).rejects.toMatchObject(TOO_FEW);
    replica.continue();
    const { answer } = await untilItAnswers(() => records.release(name, first.owner));
    expect(answer).toBe("refused");
  });

  test("is not deceived where the server forgot its scripts", async () => {
    const name = anyName();
    replica.stop();
    await client.script("FLUSH");
    await expect(store.records.claim(name, anAttempt(store))).rejects.toMatchObject(TOO_FEW);
  });

  test("still reads and renews at once while a claim waits", async () => {
    const [running, next] = [anyName(), anyName()];
    const attempt = anAttempt(store);
    await untilItAnswers(() => store.records.claim(running, attempt));
    replica.stop();
    const order: string[] = [];
    const claiming = store.records.claim(next, anAttempt(store)).catch(() => order.push("claim"));
    await until("the claim waits", async () => (await client.info("clients")).includes("blocked_clients:1"));
    expect(await store.records.renew(running, attempt.owner, LEASE)).toBe("renewed");
    expect(await store.records.read(next)).toMatchObject({ state: "executing" });
    order.push("renewal");
    await claiming;
    expect(order).toEqual(["renewal", "claim"]);
  });

  test("waits once for many writes", async () => {
    const waits = async () => Number(/cmdstat_wait:calls=(\d+)/.exec(await client.info("commandstats"))?.[1] ?? 0);
    const before = await waits();
    const attempts = Array.from({ length: 200 }, () => store.records.claim(anyName(), anAttempt(store)));
    expect(new Set((await Promise.all(attempts)).map(({ kind }) => kind))).toEqual(new Set(["claimed"]));
    expect((await waits()) - before).toBeLessThan(50);
  });

  test("is not ready, and says why, where there are too few replicas", async () => {
    const waiting = openRedis(master.url, { waitReplicas: 2 });
    try {
      const why = "has too few replicas in step, 1 of 2: add some, or set ONCEGATE_REDIS_WAIT_REPLICAS";
      await until("it is connected", () => waiting.describe().catch(() => undefined));
      await expect(waiting.probe()).rejects.toMatchObject({ fate: "unsent", message: expect.stringContaining(why) });
    } finally {
      await waiting.close();
    }
  });
});
