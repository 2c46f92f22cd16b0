import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { aRetry, anAttempt, anyName, DAY, LEASE, theAnswer } from "../store/operation.ts";
import { startGatewayProcess } from "../support/gateway.ts";
import { install, Order, untilReady } from "../support/installation.ts";
import type { Answer, Installation } from "../support/installation.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";

/** More defects of other idempotency layers: those that show when a gateway, a lease or the store dies (peers-bugs.test.ts). */
describe.each(STORES)("on %s", (_, startStore) => {
  let site: Installation;
  beforeAll(async () => {
    site = await install(startStore);
  });
  afterAll(() => site.close());

  test("a crash does not leave 409 in flight for a day: the lease is no record's expiry, and over it is unknown", async () => {
    const order = new Order(site.api);
    const env = { ONCEGATE_UPSTREAM_URL: site.held.url, ONCEGATE_STORE: site.store.url, ONCEGATE_LEASE: "60s" };
    const crashing = await startGatewayProcess(env);
    await untilReady(crashing);
    const lost = order.post(crashing).catch(() => "no answer");
    await site.held.arrived(order.key);
    await crashing.kill();
    expect(await lost).toBe("no answer");

    const again = await startGatewayProcess(env);
    try {
      await untilReady(again);
      expect(await order.post(again)).toMatchObject({ status: 409, code: "operation-in-flight" });
      await site.store.advance(60_000);
      for (const passing of [0, DAY, 28 * DAY]) {
        await site.store.advance(passing);
        const { status, code, fields } = await order.post(again);
        expect([status, code, fields["reason"]]).toEqual([409, "outcome-unknown", "owner-lost"]);
      }
    } finally {
      await again.kill();
    }
    expect(site.held.count(order.key)).toBe(1);
  });

  test("a lease is renewed while the upstream works: a slow operation is never taken for lost", async () => {
    const gateway = await site.add({ ONCEGATE_UPSTREAM_URL: site.held.url, ONCEGATE_LEASE: "4s" });
    const order = new Order(site.api);
    const first = order.post(gateway);
    const running = await site.held.arrived(order.key);
    for (const end = performance.now() + 8_500; performance.now() < end; await sleep(50))
      // more than two leases
      expect(await order.post(site.holding)).toMatchObject({ status: 409, code: "operation-in-flight" });
    running.created({ id: 5 });
    expect(await first).toMatchObject({ status: 201, replayed: false, fields: { id: 5 } });
    expect(await order.post(site.holding)).toMatchObject({ replayed: true, fields: { id: 5 } });
  });

  test("the owner is checked on settling: a slow first does not overwrite the second", async () => {
    const order = new Order(site.api);
    const slow = order.post(site.holding);
    const [first, other] = [
      await site.held.arrived(order.key),
      await site.add({ ONCEGATE_UPSTREAM_URL: site.held.url }),
    ];
    await site.store.forget();
    const quick = order.post(other);
    (await site.held.arrived(order.key, 2)).created({ id: "second" });
    expect(await quick).toMatchObject({ status: 201, replayed: false, fields: { id: "second" } });

    first.created({ id: "first" });
    const late = await slow;
    expect(late).toMatchObject({ status: 201, fields: { id: "first" } });
    expect(late.headers.get("idempotency-stored")).toBe("false");
    for (const gateway of [site.holding, other])
      expect(await order.post(gateway)).toMatchObject({ status: 201, replayed: true, fields: { id: "second" } });
    expect(site.holding.lines.filter((line) => line.includes('"alarm":"settle-refused"'))).toHaveLength(1);
    expect(site.held.count(order.key)).toBe(2);
  });

  test("a takeover is one atomic step: of 90 that see a lease over, one gets it and the old owner nothing", async () => {
    const store = await site.store.open();
    const handles = [store, await site.store.open(), await site.store.open()];
    const name = anyName();
    const old = anAttempt(store, { into: "claimed" });
    expect(await store.records.claim(name, old)).toEqual({ kind: "claimed" });
    await site.store.advance(LEASE);

    const attempts = Array.from({ length: 90 }, () => aRetry(store, old, { into: "claimed" }));
    const claims = await Promise.all(attempts.map((attempt, i) => handles[i % 3]!.records.claim(name, attempt)));
    const winners = attempts.filter((__, i) => claims[i]!.kind === "claimed");
    expect(winners).toHaveLength(1);
    expect(claims.filter(({ kind }) => kind === "in_flight")).toHaveLength(89);

    const [winner] = winners;
    expect(await store.records.begin(name, old.owner, LEASE)).toBe("lost");
    expect(await store.records.renew(name, old.owner, LEASE)).toBe("lost");
    expect(await store.records.complete(name, theAnswer(old, "old"))).toBe("refused");
    expect((await store.records.release(name, old.owner)).answer).toBe("refused");
    expect(await store.records.begin(name, winner!.owner, LEASE)).toBe("begun");
    expect(await store.records.complete(name, theAnswer(winner!, "new"))).toBe("completed");
    const stored = await store.records.read(name);
    expect(stored).toMatchObject({ state: "completed", owner: winner!.owner });
  });

  test("a success is not turned into 500 because the store failed: it is said, and stored as soon as it can be", async () => {
    const gateway = await site.add({ ONCEGATE_UPSTREAM_URL: site.held.url, ONCEGATE_LEASE: "1s" });
    const order = new Order(site.api);
    const first = order.post(gateway);
    const running = await site.held.arrived(order.key);
    site.store.fail();
    let answer: Answer;
    try {
      running.created({ id: 11 });
      answer = await first;
    } finally {
      await site.recover();
    }
    expect(answer).toMatchObject({ status: 201, replayed: false, fields: { id: 11 } });
    expect(answer.headers.get("idempotency-stored")).toBe("false");

    let retry: Answer | undefined;
    await until("the answer is stored, past the lease too", async () => {
      retry = await order.post(gateway);
      expect([undefined, "operation-in-flight", "outcome-unknown"]).toContain(retry.code);
      return retry.code === undefined;
    });
    expect(retry).toMatchObject({ status: 201, replayed: true, fields: { id: 11 } });
    expect(retry!.headers.get("idempotency-stored")).toBeNull();
    expect(site.held.count(order.key)).toBe(1);
  });

  test("a store error does not leave the request hanging: 503, nothing sent, and the key is free afterwards", async () => {
    const order = new Order(site.api);
    site.store.fail();
    try {
      const startedAt = performance.now();
      const answers = await Promise.all([order.post(site.gateway), order.post(site.gateway)]);
      expect(performance.now() - startedAt).toBeLessThan(10_000);
      for (const { status, code, headers } of answers)
        expect([status, code, headers.get("retry-after")]).toEqual([503, "store-unavailable", "1"]);
      expect(await order.made()).toBe(0);
      const unkeyed = await fetch(`${site.gateway.url}/invoices?number=${order.number}`);
      expect([unkeyed.status, (await fetch(`${site.gateway.adminUrl}/ready`)).status]).toEqual([200, 503]);
    } finally {
      await site.recover();
    }
    const retry = await order.post(site.gateway);
    expect([retry.status, retry.replayed, await order.made()]).toEqual([201, false, 1]);
    expect((await order.post(site.gateway)).replayed).toBe(true);
  });
});
