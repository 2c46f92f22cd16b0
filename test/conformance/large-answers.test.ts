import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { expectProblem } from "../support/expect-problem.ts";
import { install, Order, portOf } from "../support/installation.ts";
import type { Installation } from "../support/installation.ts";
import { exchange } from "../support/raw-exchange.ts";
import { STORES } from "../support/test-store.ts";

/** A row of the table of DESIGN, section 3 (answer-table.test.ts): what exceeds ONCEGATE_MAX_STORED_RESPONSE. */
describe.each(STORES)("on %s", (_, startStore) => {
  let site: Installation;
  beforeAll(async () => {
    site = await install(startStore);
  });
  afterAll(() => site.close());

  const toHeld = (env: Record<string, string>) => site.add({ ONCEGATE_UPSTREAM_URL: site.held.url, ...env });

  describe("an answer larger than what is stored", () => {
    const LINES = {
      lines: Array.from({ length: 40 }, () => ({ description: randomUUID(), quantity: 1, unitPrice: "1" })),
    };

    test("reaches its client whole; a retry gets 409 with the original status and Location", async () => {
      const [gateway, order] = [await site.add({ ONCEGATE_MAX_STORED_RESPONSE: "1kb" }), new Order(site.api)];
      const body = order.body(LINES);
      const first = await order.post(gateway, { body });
      const location = String(first.headers.get("location"));
      const kept = await fetch(site.api.url + location);
      expect([first.status, first.body.toString()]).toEqual([201, await kept.text()]);
      expect(first.body.length).toBeGreaterThan(2_000);
      for (const retrying of [gateway, site.gateway]) {
        const retry = await order.post(retrying, { body });
        expectProblem(retry, "response-not-kept");
        expect([retry.headers.get("location"), retry.fields]).toMatchObject([
          location,
          { originalStatus: 201, location },
        ]);
      }
      expect(await order.made()).toBe(1);
    });

    test("reaches its client whole also where its length was not told before", async () => {
      const [gateway, order] = [await toHeld({ ONCEGATE_MAX_STORED_RESPONSE: "1kb" }), new Order(site.api)];
      const answer = order.post(gateway);
      const bytes = Buffer.alloc(300_000, "large");
      (await site.held.arrived(order.key)).answer(200, ["Transfer-Encoding", "chunked"], bytes);
      expect((await answer).body.equals(bytes)).toBe(true);
      const retry = await order.post(gateway);
      expectProblem(retry, "response-not-kept");
      expect([retry.fields["originalStatus"], retry.headers.get("location")]).toEqual([200, null]);
      expect(site.held.count(order.key)).toBe(1);
    });

    test("reaches its client as a broken connection where the upstream cuts it, never as a whole", async () => {
      const [gateway, order] = [await site.add({ ONCEGATE_MAX_STORED_RESPONSE: "1kb" }), new Order(site.api)];
      const headers = { "content-type": "application/json", "x-idempotency-key": order.key, "x-sample-fault": "cut" };
      const cut = await exchange(portOf(gateway), "/invoices", headers, order.body(LINES));
      expect(cut.end).toBe("RST");
      expect(cut.head).not.toMatch(/idempotent-replayed/i);
      expect((await order.post(gateway, { body: order.body(LINES) })).status).toBe(409);
      expect(await order.made()).toBe(1);
    });

    test("a smaller one is stored: the limit itself belongs to it", async () => {
      const gateway = await toHeld({ ONCEGATE_MAX_STORED_RESPONSE: "1kb" });
      for (const [bytes, replayed] of [
        [1_024, true],
        [1_025, false],
      ] as const) {
        const order = new Order(site.api);
        const answer = order.post(gateway);
        (await site.held.arrived(order.key)).answer(200, [], Buffer.alloc(bytes, "x"));
        expect((await answer).body.length).toBe(bytes);
        expect((await order.post(gateway)).replayed).toBe(replayed);
      }
    });
  });
});
