import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import type { RedisSettings } from "../../src/store/redis/open-redis.ts";
import { PARTITIONS, indexKey, slotOf } from "../../src/store/redis/layout.ts";
import type { Store } from "../../src/store/records.ts";
import { startRedis } from "../support/redis-server.ts";
import { startCluster } from "../support/redis-cluster.ts";
import type { RedisCluster } from "../support/redis-cluster.ts";
import { untilItAnswers } from "../support/until.ts";
import { storeContract } from "./contract.ts";
import { anAttempt, anyName, theAnswer } from "./operation.ts";
import { sharedFixture, troubleOf } from "./redis-fixture.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

describe("on a cluster", () => {
  storeContract("redis", () => sharedFixture(cluster.url, async () => cluster.masters));
});

describe("a redis store on a cluster", () => {
  const ending: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  });
  function open(url: string, settings: RedisSettings = {}): Store {
    const store = openRedis(url, settings);
    ending.push(() => store.close());
    return store;
  }

  test("knows the slot of a key as Redis does", async () => {
    for (const key of [...PARTITIONS.map(indexKey), "og:name-secret", "123456789", "{}x", "a{bc}d{e}"])
      expect([key, slotOf(key)]).toEqual([key, await cluster.client(cluster.masters[0]!).cluster("KEYSLOT", key)]);
  });

  test("finds every master from one replica", async () => {
    const store = open(`redis+cluster://127.0.0.1:${cluster.replicas[0]!.port}`);
    await untilItAnswers(() => store.probe());
    const names = PARTITIONS.map((partition) => anyName().replace(/\../, `.${partition}`));
    const answers = names.map((name) => store.records.claim(name, anAttempt(store)));
    expect(new Set((await Promise.all(answers)).map(({ kind }) => kind))).toEqual(new Set(["claimed"]));
    for (const master of cluster.masters) expect(await cluster.client(master).dbsize()).toBeGreaterThan(10);
  });

  test("can do everything as a user who may only do what docs/redis.md says", async () => {
    const page = readFileSync(new URL("../../docs/redis.md", import.meta.url), "utf8");
    const [, name, ...granted] = /^ *(user oncegate on .*)$/m
      .exec(page)![1]!
      .replace("the-password", "s3cret")
      .split(/ +/);
    for (const node of [...cluster.masters, ...cluster.replicas])
      await cluster.client(node).acl("SETUSER", name!, ...granted);
    const store = open(cluster.url.replace("://", "://oncegate@"), { password: "s3cret" });
    await untilItAnswers(() => store.probe());
    const [key, attempt] = [anyName(), anAttempt(store)];
    expect(await store.records.claim(key, attempt)).toEqual({ kind: "claimed" });
    expect(await store.records.complete(key, theAnswer(attempt, "invoice 1"))).toBe("completed");
    expect(await store.describe()).toMatchObject({
      durability: "AOF, appendfsync always; 1 of 1 replicas must have it",
    });
    await store.nameSecret(Buffer.from("the secret"));
  });

  test("follows a record while its slot is moved to another server", async () => {
    const store = open(cluster.url);
    await untilItAnswers(() => store.probe());
    const [name, attempt] = [anyName(), anAttempt(store)];
    await store.records.claim(name, attempt);
    const slot = slotOf(indexKey(name[23]!));
    const holds = await Promise.all(
      cluster.masters.map((master) => cluster.client(master).cluster("COUNTKEYSINSLOT", slot)),
    );
    const from = cluster.masters[holds.findIndex((count) => count > 0)]!;
    const to = cluster.masters.find((master) => master !== from)!;
    const seen: unknown[] = [];
    await cluster.move([slot], from, to, async () => {
      seen.push(await store.records.claim(name, attempt).catch((error: unknown) => error));
    });
    const split = { fate: "unsent", message: expect.stringContaining("is moving this record (TRYAGAIN)") };
    expect(seen).toEqual([{ kind: "yours" }, expect.objectContaining(split), { kind: "yours" }]);
    expect(await store.records.complete(name, theAnswer(attempt, "invoice 1"))).toBe("completed");
    expect(await cluster.client(to).exists(`og:{${name[23]}}:${name}`)).toBe(1);
  });

  test("notices that one of its servers lost what it had, wherever it claimed itself", async () => {
    const [one, two] = [open(cluster.url), open(cluster.url)];
    for (const store of [one, two]) await untilItAnswers(() => store.probe());
    const emptied = cluster.masters[1]!;
    await cluster.client(emptied).flushall();
    await untilItAnswers(() => one.continuity.look());
    expect(one.continuity.standing).toMatchObject({ kind: "lost", why: "parts of it are empty" });
    const names = PARTITIONS.map((partition) => anyName().replace(/\../, `.${partition}`));
    const answers = await Promise.all(
      names.map((name) => untilItAnswers(() => two.records.claim(name, anAttempt(two)))),
    );
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["store_lost"]));
    expect(await two.continuity.accept({ by: "Ann", why: "looked" })).toBe("accepted");
    await untilItAnswers(() => one.continuity.look());
    expect(await untilItAnswers(() => one.records.claim(anyName(), anAttempt(one)))).toEqual({ kind: "claimed" });
  });

  test("names a server of the wrong kind", async () => {
    const single = await startRedis();
    ending.push(() => single.close());
    const [{ port }] = [cluster.masters[0]!];
    expect(await troubleOf(open(`redis://127.0.0.1:${port}`))).toMatchObject({
      message: expect.stringContaining("is part of a cluster: its URL begins with redis+cluster://"),
    });
    expect(await troubleOf(open(`redis+cluster://127.0.0.1:${single.port}`))).toMatchObject({
      message: expect.stringContaining("is a single server: its URL begins with redis://"),
    });
  });
});

test("a cluster without replicas is refused where a replica is waited for, and used where none is", async () => {
  const bare = await startCluster({ withReplicas: false });
  const stores = [openRedis(bare.url), openRedis(bare.url, { waitReplicas: 0 })] as const;
  try {
    await untilItAnswers(() => stores[1].probe());
    expect(await stores[1].records.claim(anyName(), anAttempt(stores[1]))).toEqual({ kind: "claimed" });
    await untilItAnswers(() => stores[0].describe());
    await expect(stores[0].probe()).rejects.toMatchObject({
      fate: "unsent",
      message: expect.stringContaining("too few replicas in step, 0 of 1"),
    });
  } finally {
    for (const store of stores) await store.close();
    await bare.close();
  }
});
