import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { expectProblem } from "../support/expect-problem.ts";
import { install, Order, portOf } from "../support/installation.ts";
import type { Installation } from "../support/installation.ts";
import { exchange } from "../support/raw-exchange.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";

/**
 * The table of DESIGN, section 3: each situation's answer, what the oracle says then, and what a retry gets. The rows of what
 * nobody can know are in answer-table-unknown.test.ts, those of a store out of reach in peers-bugs-crash.test.ts.
 */
const AT_ONCE_MS = 10_000; // less than any waiting that a test here asks for

describe.each(STORES)("on %s", (_, startStore) => {
  let site: Installation;
  beforeAll(async () => {
    site = await install(startStore);
  });
  afterAll(() => site.close());

  const toHeld = (env: Record<string, string>) => site.add({ ONCEGATE_UPSTREAM_URL: site.held.url, ...env });
  const prefer = (value: string) => ({ headers: { prefer: value } });

  test("first use: the upstream's answer; retry after completion: the stored one, marked", async () => {
    const order = new Order(site.api);
    const first = await order.post(site.gateway);
    expect(first).toMatchObject({ status: 201, replayed: false, fields: { number: order.number } });
    expect(first.headers.get("location")).toBe(`/invoices/${String(first.fields["id"])}`);
    const retry = await order.post(site.gateway);
    expect(retry).toMatchObject({ status: 201, replayed: true, body: first.body });
    expect(retry.headers.get("location")).toBe(first.headers.get("location"));
    expect(await order.made()).toBe(1);
  });

  describe("retry while it runs", () => {
    test("409 with Retry-After 1 and since when, at every gateway; then the stored answer", async () => {
      const order = new Order(site.api);
      const first = order.post(site.holding);
      const running = await site.held.arrived(order.key);
      for (const gateway of [site.holding, await toHeld({})]) {
        const retry = await order.post(gateway);
        expectProblem(retry, "operation-in-flight");
        expect(Math.abs(Date.parse(String(retry.fields["since"])) - Date.now())).toBeLessThan(60_000);
      }
      running.created({ id: 1 });
      expect((await first).status).toBe(201);
      expect(await order.post(site.holding)).toMatchObject({ status: 201, replayed: true, fields: { id: 1 } });
      expect(site.held.count(order.key)).toBe(1);
    });

    /** Both are in the gateway, so neither has been answered. */
    const bothWait = (gateway: { adminUrl: string }) =>
      until("two requests are served", async () =>
        /^oncegate_in_flight 2$/m.test(await (await fetch(`${gateway.adminUrl}/metrics`)).text()),
      );

    test.each([
      ["Prefer: wait=30", {}, prefer("wait=30")],
      ["Prefer with other preferences", {}, prefer('respond-async, wait="30", handling=lenient')],
      ["ONCEGATE_IN_FLIGHT_WAIT", { ONCEGATE_IN_FLIGHT_WAIT: "30s" }, {}],
    ])("%s: the retry waits, and gets the answer when it comes", async (_how, env, sent) => {
      const [gateway, order] = [await toHeld(env), new Order(site.api)];
      const first = order.post(gateway);
      const running = await site.held.arrived(order.key);
      const waiting = order.post(gateway, sent);
      await bothWait(gateway);
      running.created({ id: 2 });
      expect(await first).toMatchObject({ status: 201, replayed: false, fields: { id: 2 } });
      expect(await waiting).toMatchObject({ status: 201, replayed: true, fields: { id: 2 } });
      expect(site.held.count(order.key)).toBe(1);
    });

    test("a retry that waited for an original that did not begin is executed itself", async () => {
      const [gateway, order] = [await toHeld({}), new Order(site.api)];
      const first = order.post(gateway);
      const running = await site.held.arrived(order.key);
      const waiting = order.post(gateway, prefer("wait=30"));
      await bothWait(gateway);
      running.answer(422);
      expect(await first).toMatchObject({ status: 422, replayed: false });
      (await site.held.arrived(order.key, 2)).created({ id: 3 });
      expect(await waiting).toMatchObject({ status: 201, replayed: false, fields: { id: 3 } });
      expect(site.held.count(order.key)).toBe(2);
    });

    test("waiting has an end, 409; Prefer: wait=0 does not wait though the setting says so", async () => {
      const [gateway, order] = [await toHeld({ ONCEGATE_IN_FLIGHT_WAIT: "60s" }), new Order(site.api)];
      const first = order.post(gateway);
      const running = await site.held.arrived(order.key);
      const took = async (wait: string) => {
        const startedAt = performance.now();
        expectProblem(await order.post(gateway, prefer(wait)), "operation-in-flight");
        return performance.now() - startedAt;
      };
      expect(await took("wait=2")).toBeGreaterThan(1_000);
      expect(await took("wait=2")).toBeLessThan(AT_ONCE_MS);
      expect(await took("wait=0")).toBeLessThan(AT_ONCE_MS);
      running.created({});
      expect((await first).status).toBe(201);
    });
  });

  test("same key, other fingerprint: 422, also while the first runs and for every part of the request", async () => {
    const order = new Order(site.api);
    const first = order.post(site.holding);
    const running = await site.held.arrived(order.key);
    const differing = async (): Promise<void> => {
      expectProblem(await order.post(site.holding, { body: order.body({ currency: "USD" }) }), "key-reused");
      expectProblem(await order.post({ url: `${site.holding.url}/v2` }), "key-reused");
      const headers = { "x-idempotency-key": order.key, "content-type": "application/json" };
      for (const [target, method] of [
        ["/invoices?a=1", "POST"],
        ["/invoices", "PATCH"],
      ] as const) {
        const answer = await exchange(portOf(site.holding), target, headers, order.body(), method);
        expect(answer.head).toMatch(/^HTTP\/1\.1 422 /);
        expect(answer.body.toString()).toContain('"code":"key-reused"');
      }
    };
    await differing();
    expectProblem(await order.post(site.holding), "operation-in-flight");
    running.created({});
    expect((await first).status).toBe(201);
    await differing();
    expect((await order.post(site.holding)).replayed).toBe(true);
    expect(site.held.count(order.key)).toBe(1);
  });

  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
  const jwt = (signature: string) => ({
    authorization: `Bearer ${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from('{"iss":"i","sub":"s"}').toString("base64url")}.${signature}`,
  });

  test.each([
    ["another password of one user", basic("anna:one"), basic("anna:two")],
    ["another token of one subject", jwt("b25l"), jwt("dHdv")],
  ])(
    "same key and scope, %s: 409 credential-changed without the answer, and no execution",
    async (_how, own, other) => {
      const order = new Order(site.api);
      const first = await order.post(site.gateway, { headers: own });
      const refused = await order.post(site.gateway, { headers: other });
      expectProblem(refused, "credential-changed");
      expect(Object.keys(refused.fields).toSorted()).toEqual([
        "code",
        "detail",
        "requestId",
        "retryable",
        "status",
        "title",
        "type",
      ]);
      expect(refused.headers.get("location")).toBeNull();
      expect(await order.post(site.gateway, { headers: own })).toMatchObject({ replayed: true, body: first.body });
      expect(await order.made()).toBe(1);
    },
  );

  const RELEASING = [400, 401, 402, 403, 404, 405, 406, 411, 412, 413, 414, 415, 417, 422, 428, 429, 431].map(
    (status): [string, number] => [`status:${status}`, status],
  );
  test.each([...RELEASING, ["status:429;retry-after=7", 429], ["status:503;retry-after=7", 503]] as const)(
    "a release status, it did not begin: the upstream's answer, and a retry executes (%s)",
    async (fault, status) => {
      const order = new Order(site.api);
      for (let attempt = 1; attempt <= 2; attempt++) {
        const refused = await order.postWith(fault, site.gateway);
        expect(refused).toMatchObject({
          status,
          replayed: false,
          code: undefined,
          fields: { title: "Fault on request" },
        });
        expect(refused.headers.get("retry-after")).toBe(fault.includes("retry-after") ? "7" : null);
      }
      expect(await order.made()).toBe(0);
      expect(await order.post(site.gateway)).toMatchObject({ status: 201, replayed: false });
      expect(await order.post(site.gateway)).toMatchObject({ status: 201, replayed: true });
      expect(await order.made()).toBe(1);
    },
  );
});
