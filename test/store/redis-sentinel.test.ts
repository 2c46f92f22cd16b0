import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import type { Store } from "../../src/store/records.ts";
import { freePort, startRedis } from "../support/redis-server.ts";
import { startSentinels } from "../support/redis-sentinels.ts";
import type { Sentinels, SentinelsOptions } from "../support/redis-sentinels.ts";
import { until, untilItAnswers } from "../support/until.ts";
import { storeContract } from "./contract.ts";
import { anAttempt, anyName } from "./operation.ts";
import { sharedFixture, troubleOf } from "./redis-fixture.ts";

describe("on Sentinel", () => {
  let sentinels: Sentinels;
  beforeAll(async () => {
    sentinels = await startSentinels();
  });
  afterAll(() => sentinels.close());

  storeContract("redis", () => sharedFixture(sentinels.url, async () => [await sentinels.master()]));
});

describe("a redis store on Sentinel", () => {
  const ending: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  });

  async function start(options: SentinelsOptions = {}): Promise<Sentinels> {
    const sentinels = await startSentinels({ replicas: 1, ...options });
    ending.push(() => sentinels.close());
    return sentinels;
  }
  function open(url: string): Store {
    const store = openRedis(url);
    ending.push(() => store.close());
    return store;
  }

  test.each([false, true])(
    "gives its password to Redis, and to Sentinels that ask for one: %s",
    async (doSentinelsAsk) => {
      const { url } = await start({ password: "s3cret", doSentinelsAsk });
      const store = open(url);
      await untilItAnswers(() => store.probe());
      expect(await store.records.claim(anyName(), anAttempt(store))).toEqual({ kind: "claimed" });
      expect((await store.describe()).store).not.toContain("s3cret");
    },
  );

  test("says that nobody knows the master, and why", async () => {
    const { url, sentinels, nodes } = await start();
    const [nobody, redis] = [await freePort(), nodes[0]!.port];
    const wrong = url
      .replace("/orders", "/invoices")
      .replace("redis+sentinel://", `redis+sentinel://127.0.0.1:${nobody},127.0.0.1:${redis},`);
    const trouble = await troubleOf(open(wrong));
    expect(trouble).toMatchObject({ name: "StoreError", fate: "unsent" });
    expect(String(trouble)).toContain(`Redis at 127.0.0.1:${nobody} refuses connections (ECONNREFUSED)`);
    expect(String(trouble)).toContain(`Redis at 127.0.0.1:${redis} is no Sentinel`);
    expect(String(trouble)).toContain(`Redis at 127.0.0.1:${sentinels[0]!.port} knows no master of that name`);
  });

  test("needs one Sentinel to find the master, and none to go on with it", async () => {
    const { url, sentinels } = await start();
    await Promise.all(sentinels.slice(1).map((sentinel) => sentinel.kill9()));
    const store = open(url);
    await untilItAnswers(() => store.probe());
    await sentinels[0]!.kill9();
    await expect(troubleOf(open(url))).resolves.toMatchObject({ message: expect.stringContaining("ECONNREFUSED") });
    expect(await store.records.claim(anyName(), anAttempt(store))).toEqual({ kind: "claimed" });
  });

  test("goes to the new master when the old one freezes, with all that was acknowledged, and stays there", async () => {
    const sentinels = await start({ replicas: 2, downAfterMs: 1_500 });
    const store = open(sentinels.url);
    await untilItAnswers(() => store.probe());
    const claims = Array.from({ length: 20 }, () => ({ name: anyName(), attempt: anAttempt(store) }));
    for (const { name, attempt } of claims) await store.records.claim(name, attempt);

    const old = await sentinels.master();
    old.stop();
    const [inFlight, attempt] = [anyName(), anAttempt(store)];
    await expect(store.records.claim(inFlight, attempt)).rejects.toMatchObject({ fate: "ambiguous" });
    await until("another master", async () => (await sentinels.master()) !== old);
    await untilItAnswers(() => store.probe());
    const states = await Promise.all(claims.map(async ({ name }) => (await store.records.read(name))?.owner));
    expect(states).toEqual(claims.map((claim) => claim.attempt.owner));

    old.continue(); // a moment longer it takes itself for the master
    const next = { name: anyName(), attempt: anAttempt(store) };
    expect(await untilItAnswers(() => store.records.claim(next.name, next.attempt))).toMatchObject({
      kind: expect.stringMatching(/claimed|yours/),
    });
    const now = await sentinels.master();
    const direct = open(`redis://127.0.0.1:${now.port}`);
    expect(await untilItAnswers(() => direct.records.read(next.name))).toMatchObject({ owner: next.attempt.owner });
  });

  test("is told apart from a single server and a Sentinel named as one", async () => {
    const { sentinels } = await start();
    const store = open(`redis://127.0.0.1:${sentinels[0]!.port}`);
    expect(await troubleOf(store)).toMatchObject({
      message: expect.stringContaining("is a Sentinel: its URL begins with redis+sentinel://"),
    });
  });
});

test("a redis store refuses a replica", async () => {
  const master = await startRedis();
  const replica = await startRedis({ extra: ["--replicaof", "127.0.0.1", `${master.port}`] });
  const store = openRedis(replica.url);
  try {
    await until("it says so", async () => String(await troubleOf(store)).includes("is a read-only replica"));
    await expect(store.records.read(anyName())).rejects.toMatchObject({ fate: "unsent" });
  } finally {
    await store.close();
    await Promise.all([master.close(), replica.close()]);
  }
});
