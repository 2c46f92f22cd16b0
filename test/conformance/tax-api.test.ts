import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { HOUR } from "../store/operation.ts";
import { headerOf } from "../support/held-upstream.ts";
import { install, Order, portOf, send } from "../support/installation.ts";
import type { Installation } from "../support/installation.ts";
import { exchange } from "../support/raw-exchange.ts";
import { STORES } from "../support/test-store.ts";

/** The sentences by which the tax API that `x-idempotency-Key` comes from describes it, one test or more for each. */
describe.each(STORES)("on %s", (_, startStore) => {
  let site: Installation;
  beforeAll(async () => {
    site = await install(startStore);
  });
  afterAll(() => site.close());

  describe("keys have up to 255 characters", () => {
    const keyOf = (length: number) => randomUUID().padEnd(length, "k");
    const quoted = (key: string) => `"${key}"`;
    const escaped = (key: string) => `"${key.replaceAll("k", String.raw`\"`)}"`;

    test.each([
      ["bare", (key: string) => key],
      ["quoted, 257 bytes on the wire", quoted],
      ["quoted, with escapes that do not count", escaped],
    ])("255 are accepted and make a retry: %s", async (_form, written) => {
      const order = new Order(site.api);
      const headers = { "x-idempotency-key": written(keyOf(255)) };
      const first = await order.post(site.gateway, { headers });
      const retry = await order.post(site.gateway, { headers });
      expect([first.status, retry.status, retry.replayed, await order.made()]).toEqual([201, 201, true, 1]);
    });

    test.each([
      ["bare", (key: string) => key],
      ["quoted", quoted],
      ["quoted, with escapes", escaped],
    ])("256 are refused and nothing is executed: %s", async (_form, written) => {
      const order = new Order(site.api);
      const answer = await order.post(site.gateway, { headers: { "x-idempotency-key": written(keyOf(256)) } });
      expect([answer.status, answer.code, await order.made()]).toEqual([400, "key-invalid", 0]);
    });

    test("255 are all of the key: two that differ in the last character are two keys", async () => {
      const order = new Order(site.api);
      const key = keyOf(254);
      const post = (last: string) => order.post(site.gateway, { headers: { "x-idempotency-key": key + last } });
      const [one, other] = [await post("1"), await post("2")];
      expect([one.status, other.status, other.replayed, await order.made()]).toEqual([201, 201, false, 2]);
    });
  });

  describe("POST and PATCH accept keys", () => {
    test.each(["POST", "PATCH"])("a %s is executed once", async (method) => {
      const key = randomUUID();
      const sent = { method, headers: { "x-idempotency-key": key, "x-test": key }, body: "{}" };
      const first = send(`${site.holding.url}/documents/1`, sent);
      (await site.held.arrived(key)).answer(200, [], Buffer.from("done"));
      expect(await first).toMatchObject({ status: 200, body: Buffer.from("done") });
      const retry = await send(`${site.holding.url}/documents/1`, sent);
      expect(retry).toMatchObject({ status: 200, replayed: true, body: Buffer.from("done") });
      expect(site.held.count(key)).toBe(1);
    });

    test.each(["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])("a %s with a key passes: twice is twice", async (method) => {
      const [key, sendings] = [randomUUID(), [randomUUID(), randomUUID()]];
      for (const sending of sendings) {
        const answer = send(`${site.holding.url}/documents/1`, {
          method,
          headers: { "x-idempotency-Key": key, "x-test": sending },
        });
        const arrival = await site.held.arrived(sending);
        expect(arrival).toMatchObject({ method, target: "/documents/1" });
        expect(headerOf(arrival.headers, "x-idempotency-key")).toEqual([key]);
        arrival.answer(204, ["X-Answer-To", sending]);
        const { status, replayed, headers } = await answer;
        expect([status, replayed, headers.get("x-answer-to")]).toEqual([204, false, sending]);
      }
    });
  });

  describe("the first use saves status and body, whether it succeeded or failed", () => {
    test.each([
      ["delay:0", 201, 1],
      ["fail-after", 500, 1],
      ["fail-before", 500, 0],
      ["status:409;after", 409, 1],
      ["status:410", 410, 0],
      ["status:501;after", 501, 1],
      ["status:302;after", 302, 1],
    ])("later uses return the same result, errors included: %s", async (fault, status, made) => {
      const order = new Order(site.api);
      const sent = { "content-type": "application/json", "x-idempotency-Key": order.key };
      const post = (headers: Record<string, string>) =>
        exchange(portOf(site.gateway), "/invoices", { ...sent, ...headers }, order.body());
      const first = await post({ "x-sample-fault": fault });
      expect(first.head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      for (let use = 2; use <= 4; use++) {
        const later = await post({});
        expect(later.head.split("\r\n")[0]).toBe(first.head.split("\r\n")[0]);
        expect(later.head).toMatch(/^idempotent-replayed: true$/im);
        expect(later.body).toEqual(first.body);
      }
      expect(await order.made()).toBe(made);
    });

    test.each([
      ["delay:0", 201],
      ["fail-after", 500],
    ])("for 24 hours; after them the key executes anew: %s", async (fault, status) => {
      const order = new Order(site.api);
      const first = await order.postWith(fault, site.gateway);
      await site.store.advance(24 * HOUR - 60_000);
      const within = await order.post(site.gateway);
      expect([within.status, within.replayed, within.body]).toEqual([status, true, first.body]);
      expect(await order.made()).toBe(1);

      await site.store.advance(60_000);
      const after = await order.post(site.gateway);
      expect([after.status, after.replayed, await order.made()]).toEqual([201, false, 2]);
      const again = await order.post(site.gateway);
      expect([again.replayed, again.body, await order.made()]).toEqual([true, after.body, 2]);
    });

    test("the 24 hours count from the end of the first use and are not prolonged by later ones", async () => {
      const order = new Order(site.api);
      await order.post(site.gateway);
      for (const hours of [12, 11]) {
        await site.store.advance(hours * HOUR);
        expect((await order.post(site.gateway)).replayed).toBe(true);
      }
      await site.store.advance(HOUR);
      expect([(await order.post(site.gateway)).replayed, await order.made()]).toEqual([false, 2]);
    });
  });

  test("409 while the original request is still being processed", async () => {
    const order = new Order(site.api);
    const original = order.post(site.holding);
    const running = await site.held.arrived(order.key);
    for (let retry = 1; retry <= 3; retry++) {
      const { status, code, headers } = await order.post(site.holding);
      expect([status, code, headers.get("retry-after")]).toEqual([409, "operation-in-flight", "1"]);
    }
    running.created({ id: 7 });
    expect((await original).fields).toEqual({ id: 7 });
    expect(await order.post(site.holding)).toMatchObject({ status: 201, replayed: true, fields: { id: 7 } });
    expect(site.held.count(order.key)).toBe(1);
  });

  describe("nothing is saved when the parameters fail validation", () => {
    test("a 422: the retry executes, and so does the corrected request under the same key", async () => {
      const order = new Order(site.api);
      const wrong = order.body({ lines: [] });
      for (let attempt = 1; attempt <= 2; attempt++) {
        const refused = await order.post(site.gateway, { body: wrong });
        expect([refused.status, refused.replayed, refused.fields["title"]]).toEqual([422, false, "Invalid invoice"]);
      }
      const corrected = await order.post(site.gateway);
      expect([corrected.status, corrected.replayed, await order.made()]).toEqual([201, false, 1]);
    });

    test("a 400: the retry executes, and so does the corrected request under the same key", async () => {
      const key = randomUUID();
      const submit = (data: string) =>
        send(`${site.gateway.url}/v1/documents`, {
          headers: { "content-type": "application/json", authorization: "Bearer me", "x-idempotency-Key": key },
          body: JSON.stringify({ data }),
        });
      const before = await site.api.count("/v1/documents");
      for (let attempt = 1; attempt <= 2; attempt++) {
        const refused = await submit("!not base64!");
        expect([refused.status, refused.replayed, refused.fields["title"]]).toEqual([400, false, "Invalid document"]);
      }
      const corrected = await submit("SGVsbG8=");
      expect([corrected.status, corrected.replayed]).toEqual([201, false]);
      expect(await site.api.count("/v1/documents")).toBe(before + 1);
    });
  });

  test("the sample request works as it stands, and its retry is the same answer", async () => {
    const before = await site.api.count("/v1/documents");
    const headers = {
      Authorization: "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhY21lIn0.c2lnbmF0dXJl",
      "x-correlationId": "c56a4180-65aa-42ec-a945-5fd21dec0538",
      "x-idempotency-Key": randomUUID(),
      "Content-Type": "application/json",
    };
    const body = JSON.stringify({ data: Buffer.alloc(3_000, "invoice").toString("base64"), dataEncoding: "base64" });
    const submit = () => exchange(portOf(site.gateway), "/v1/documents", headers, body);
    const [first, retry] = [await submit(), await submit()];
    expect(first.head).toMatch(/^HTTP\/1\.1 201 /);
    expect(JSON.parse(first.body.toString())).toEqual({ documentId: expect.stringMatching(/^[\da-f-]{36}$/) });
    expect(first.head).toContain("\r\nx-correlationId: c56a4180-65aa-42ec-a945-5fd21dec0538");
    expect(retry.head).toMatch(/^HTTP\/1\.1 201 [^]*\r\nIdempotent-Replayed: true\r\n/);
    expect(retry.body).toEqual(first.body);
    expect(await site.api.count("/v1/documents")).toBe(before + 1);
  });
});
