import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { inspect } from "node:util";
import type { Store } from "../../src/store/records.ts";
import { keysOf } from "../../src/store/redis/layout.ts";
import { faultProxy } from "../support/fault-proxy.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { anAttempt, anyName, aRetry, LEASE, theAnswer } from "./operation.ts";
import { until, untilItAnswers } from "../support/until.ts";
import { redisFixture } from "./redis-fixture.ts";
import type { RedisFixture } from "./redis-fixture.ts";

const UNSENT = { name: "StoreError", fate: "unsent" };
const AMBIGUOUS = { name: "StoreError", fate: "ambiguous" };

describe("redis store", () => {
  let fixture: RedisFixture;
  let proxy: FaultProxy;
  beforeEach(async () => {
    fixture = await redisFixture();
    proxy = await faultProxy(fixture.server.port);
  });
  afterEach(async () => {
    await fixture.destroy();
    await proxy.close();
  });

  const openThroughProxy = async (): Promise<Store> => {
    const store = fixture.openAt(`redis://127.0.0.1:${proxy.port}`);
    await untilItAnswers(() => store.probe());
    return store;
  };
  /** So that the server knows the scripts, and a lost answer is that of the script and not of a NOSCRIPT. */
  const useOnce = async (store: Store) => {
    const [name, attempt] = [anyName(), anAttempt(store)];
    await store.records.claim(name, attempt);
    await store.records.complete(name, theAnswer(attempt, "invoice 0"));
  };
  const scriptsRun = async () => {
    const stats = await fixture.client.info("commandstats");
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  };

  describe("when an answer is lost", () => {
    test("says 'ambiguous', and the verb sent again answers as it would have the first time", async () => {
      const direct = await fixture.open();
      await useOnce(direct);
      const name = anyName();
      const attempt = anAttempt(direct);
      const verbs: [(store: Store) => Promise<unknown>, unknown][] = [
        [(store) => store.records.claim(name, attempt), { kind: "yours" }],
        [(store) => store.records.complete(name, theAnswer(attempt, "invoice 1")), "completed"],
      ];
      for (const [verb, again] of verbs) {
        const store = await openThroughProxy();
        const lost = proxy.loseReplies();
        await expect(verb(store)).rejects.toMatchObject(AMBIGUOUS);
        await lost;
        proxy.heal();
        await untilItAnswers(() => store.probe());
        expect(await verb(store)).toEqual(again);
      }
      expect(await direct.records.read(name)).toMatchObject({ state: "completed", owner: attempt.owner });
    });

    test("says nothing of what was sent", async () => {
      const store = await openThroughProxy();
      const name = anyName();
      const completion = theAnswer(anAttempt(store), "IBAN DE02120300000000202051");
      void proxy.loseReplies();
      const error: unknown = await store.records.complete(name, completion).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        ...AMBIGUOUS,
        message: `Redis at 127.0.0.1:${proxy.port} does not answer`,
      });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(new RegExp(`IBAN|${name}`));
    });

    test("a claim that arrives after its deadline takes nothing", async () => {
      const [direct, store] = [await fixture.open(), await openThroughProxy()];
      const name = anyName();
      const attempt = anAttempt(store, { deadline: store.records.time(name) + 1_200 });
      await useOnce(direct);
      const before = await scriptsRun();
      proxy.holdBack();
      await expect(store.records.claim(name, attempt)).rejects.toMatchObject(AMBIGUOUS);
      await until("the deadline is over", () => direct.records.time(name) > attempt.deadline);
      proxy.deliver();
      await until("the claim has arrived", async () => (await scriptsRun()) > before);
      expect(await direct.records.read(name)).toBeUndefined();
      expect(await direct.records.release(name, attempt.owner)).toMatchObject({ answer: "released" });
    });
  });

  test("says 'ambiguous' of a stopped server in about a second, and what arrived there is done later", async () => {
    const store = await fixture.open();
    await useOnce(store);
    const name = anyName();
    const attempt = anAttempt(store);
    fixture.server.stop();
    const start = performance.now();
    await expect(store.records.claim(name, attempt)).rejects.toMatchObject(AMBIGUOUS);
    expect(performance.now() - start).toBeLessThan(10_000);
    fixture.server.continue();
    await untilItAnswers(() => store.probe());
    expect(await store.records.claim(name, attempt)).toEqual({ kind: "yours" });
  });

  test("reconnects to a server that was stopped for long, and says meanwhile that it does not answer", async () => {
    const store = await fixture.open();
    fixture.server.stop();
    await expect(store.probe()).rejects.toMatchObject(AMBIGUOUS);
    await until("it says that the server does not answer", async () =>
      store.probe().then(
        () => false,
        (error: unknown) => inspect(error).includes("does not answer") && inspect(error).includes("unsent"),
      ),
    );
    fixture.server.continue();
    await untilItAnswers(() => store.probe());
  });

  test("says 'ambiguous' of what was under way when the server died, and comes back by itself", async () => {
    const store = await fixture.open();
    const name = anyName();
    const attempt = anAttempt(store);
    expect(await store.records.claim(name, attempt)).toEqual({ kind: "claimed" });
    fixture.server.stop();
    const fates = Promise.allSettled([store.records.renew(name, attempt.owner, LEASE)]);
    await fixture.server.kill9();
    expect(await fates).toMatchObject([{ reason: AMBIGUOUS }]);
    await until("it says that the server is gone", async () =>
      store.probe().then(
        () => false,
        (error: unknown) => inspect(error).includes("refuses connections (ECONNREFUSED)"),
      ),
    );
    await fixture.server.start();
    await untilItAnswers(() => store.probe());
    expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "in_flight" });
  });

  test("ends what is under way as 'ambiguous' when it is closed", async () => {
    const store = await fixture.open();
    fixture.server.stop();
    const fates = Promise.allSettled([store.records.read(anyName())]);
    await store.close();
    expect(await fates).toMatchObject([{ reason: AMBIGUOUS }]);
    fixture.server.continue();
    await expect(store.records.read(anyName())).rejects.toMatchObject({
      ...UNSENT,
      message: expect.stringContaining("has been closed"),
    });
  });

  test("sweeps what the index names only where the record itself is unknown", async () => {
    const store = await fixture.open();
    const [name, attempt] = [anyName(), anAttempt(store)];
    await store.records.claim(name, attempt);
    await store.records.complete(name, theAnswer(attempt, "invoice 1"));
    const [record, index] = keysOf(name);
    await fixture.client.zadd(index, 1, name); // as a restored backup may have it
    fixture.openAt(fixture.server.url, { sweepEveryMs: 20 });
    await until("the index is right", async () => (await fixture.client.zscore(index, name)) === null);
    expect(await fixture.client.exists(record)).toBe(1);
    expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "completed" });
  });
});
