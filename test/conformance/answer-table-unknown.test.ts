import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { DAY } from "../store/operation.ts";
import { expectProblem } from "../support/expect-problem.ts";
import { startHeldUpstream } from "../support/held-upstream.ts";
import { install, Order } from "../support/installation.ts";
import type { Installation } from "../support/installation.ts";
import { freePort } from "../support/redis-server.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";

/** The rows of DESIGN's table (section 3) in which the upstream is away, silent, slow or not to be believed. */
describe.each(STORES)("on %s", (_, startStore) => {
  let site: Installation;
  beforeAll(async () => {
    site = await install(startStore);
  });
  afterAll(() => site.close());

  /** What every retry gets, at every gateway and for as long as a person may need: it says why and since when. */
  async function expectUnknown(order: Order, reason: string): Promise<void> {
    for (const passing of [0, 29 * DAY]) {
      await site.store.advance(passing);
      for (const gateway of [site.gateway, site.holding]) {
        const retry = await order.post(gateway);
        expectProblem(retry, "outcome-unknown", 409);
        const startedAgo = Date.now() - Date.parse(String(retry.fields["since"]));
        expect([retry.fields["reason"], Math.round(startedAgo / DAY)]).toEqual([reason, passing / DAY]);
      }
    }
  }

  test.each([502, 503, 504])("status %d: the upstream's answer to the first caller, then unknown", async (status) => {
    const order = new Order(site.api);
    const first = await order.postWith(`status:${status};after`, site.gateway);
    expect(first).toMatchObject({ status, replayed: false, code: undefined, fields: { title: "Fault on request" } });
    await expectUnknown(order, "unknown-status");
    expect(await order.made()).toBe(1);
  });

  test("503 with Retry-After promises that it did not begin: a retry executes", async () => {
    const order = new Order(site.api);
    const first = await order.postWith("status:503;retry-after=2", site.gateway);
    expect([first.status, first.headers.get("retry-after"), await order.made()]).toEqual([503, "2", 0]);
    expect(await order.post(site.gateway)).toMatchObject({ status: 201, replayed: false });
    expect(await order.made()).toBe(1);
  });

  test.each([
    ["hang", 504, "upstream-silent", 1],
    ["hang-before", 504, "upstream-silent", 0],
    ["reset-after", 502, "upstream-reset", 1],
    ["reset-before", 502, "upstream-reset", 0],
    ["cut", 502, "answer-cut", 1],
    ["cut-chunked", 502, "answer-cut", 1],
    ["unframed", 502, "answer-unframed", 1],
  ])(
    "%s after the request left: %d outcome-unknown, and nothing is sent again",
    async (fault, status, reason, made) => {
      const [gateway, order] = [await site.add({ ONCEGATE_UPSTREAM_TIMEOUT: "1s" }), new Order(site.api)];
      const first = await order.postWith(fault, gateway);
      expectProblem(first, "outcome-unknown", status);
      expect(first.fields["reason"]).toBe(reason);
      expect(await order.made()).toBe(made);
      await expectUnknown(order, reason);
      expect(await order.made()).toBe(made);
    },
  );

  test("an upstream that is never reached: 503 with Retry-After, released; a retry executes when it is there", async () => {
    const port = await freePort();
    const gateway = await site.add({ ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${port}` });
    const order = new Order(site.api);
    for (let attempt = 1; attempt <= 2; attempt++) {
      const startedAt = performance.now();
      expectProblem(await order.post(gateway), "upstream-unreachable", 503);
      expect(performance.now() - startedAt).toBeGreaterThan(500); // it tried again by itself
    }
    const upstream = await startHeldUpstream(port);
    try {
      const retry = order.post(gateway);
      (await upstream.arrived(order.key)).created({ id: 1 });
      expect(await retry).toMatchObject({ status: 201, replayed: false, fields: { id: 1 } });
      expect(await order.post(gateway)).toMatchObject({ status: 201, replayed: true, fields: { id: 1 } });
      expect(upstream.count(order.key)).toBe(1);
    } finally {
      await upstream.close();
    }
  });

  test("an upstream that comes within the gateway's own re-tries is reached by the same request", async () => {
    const port = await freePort();
    const gateway = await site.add({ ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${port}` });
    const order = new Order(site.api);
    const first = order.post(gateway);
    await until("it is under way", async () =>
      /^oncegate_in_flight 1$/m.test(await (await fetch(`${gateway.adminUrl}/metrics`)).text()),
    );
    const upstream = await startHeldUpstream(port);
    try {
      (await upstream.arrived(order.key)).created({ id: 1 });
      expect(await first).toMatchObject({ status: 201, replayed: false });
      expect(upstream.count(order.key)).toBe(1);
    } finally {
      await upstream.close();
    }
  });

  test("the client's patience is over: 504 still-running, then 409 until it ends, then the stored answer", async () => {
    const env = { ONCEGATE_UPSTREAM_URL: site.held.url, ONCEGATE_CLIENT_WAIT: "1s" };
    const [gateway, order] = [await site.add(env), new Order(site.api)];
    expectProblem(await order.post(gateway), "still-running", 504);
    expectProblem(await order.post(gateway), "operation-in-flight", 409);
    expectProblem(await order.post(site.holding), "operation-in-flight", 409);
    (await site.held.arrived(order.key)).created({ id: 8 });
    await until("it is stored", () => gateway.lines.some((line) => line.includes("after its client's patience")));
    expect(await order.post(gateway)).toMatchObject({ status: 201, replayed: true, fields: { id: 8 } });
    expect(site.held.count(order.key)).toBe(1);
  });

  test("the upstream's own limit ends what runs on after the client's patience: unknown", async () => {
    const env = { ONCEGATE_UPSTREAM_URL: site.held.url, ONCEGATE_CLIENT_WAIT: "1s", ONCEGATE_UPSTREAM_TIMEOUT: "2s" };
    const [gateway, order] = [await site.add(env), new Order(site.api)];
    expectProblem(await order.post(gateway), "still-running", 504);
    await until("it ended", () => gateway.lines.some((line) => line.includes("after its client's patience")));
    await expectUnknown(order, "upstream-silent");
    expect(site.held.count(order.key)).toBe(1);
  });
});
