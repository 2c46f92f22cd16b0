import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { PROBLEMS } from "../../src/domain/problem.ts";
import type { ProblemCode } from "../../src/domain/problem.ts";
import { HOUR } from "../store/operation.ts";
import { expectProblem } from "../support/expect-problem.ts";
import { headerOf } from "../support/held-upstream.ts";
import { install, Order, portOf } from "../support/installation.ts";
import type { Answer, Installation } from "../support/installation.ts";
import { exchange } from "../support/raw-exchange.ts";
import { STORES } from "../support/test-store.ts";

/**
 * What draft-ietf-httpapi-idempotency-key-header-07 asks of a server; the numbers are its sections. A requirement that the
 * gateway can only publish is looked up in the documentation.
 */

const document = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

/** Section 2.7: a problem document, with a link to the documentation of this very error. */
function expectDocumented(answer: Answer, status: number, code: ProblemCode): void {
  expectProblem(answer, code, status);
  expect(document("problems.md")).toContain(`\n## ${code}\n`);
}

describe.each(STORES)("on %s", (_, startStore) => {
  let site: Installation;
  beforeAll(async () => {
    site = await install(startStore);
  });
  afterAll(() => site.close());

  const keyed = (header: Record<string, string>) => ({ headers: { "x-idempotency-key": "", ...header } });
  /** With the draft's own header instead of the tax API's. */
  const postWithKey = (order: Order, value: string, gateway = site.gateway) => {
    const body = order.body();
    const headers = { "content-type": "application/json", "idempotency-key": value };
    return fetch(`${gateway.url}/invoices`, { method: "POST", headers, body });
  };

  describe("2.1 syntax", () => {
    test.each([
      ["8e03978e-40d5-43e8-bc93-6894a57f9324", '"8e03978e-40d5-43e8-bc93-6894a57f9324"'],
      ['say "order" \\ 7', String.raw`"say \"order\" \\ 7"`],
    ])("the string of a quoted key names the same key as the bare text %s", async (text, quoted) => {
      const order = new Order(site.api);
      const [bare, string] = [`${order.key} ${text}`, quoted.replace('"', `"${order.key} `)];
      const first = await postWithKey(order, string);
      const again = await postWithKey(order, bare);
      expect([first.status, again.status]).toEqual([201, 201]);
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(await again.text()).toBe(await first.text());
      expect(await order.made()).toBe(1);
    });

    test.each([['"unfinished'], ['"two" "strings"'], ['"a"b"'], ['"bad \\escape"'], ['""'], [""]])(
      "what begins as a string and is none, or is empty, is refused: %j",
      async (value) => {
        const order = new Order(site.api);
        const answer = await postWithKey(order, value);
        expect([answer.status, await answer.json()]).toMatchObject([400, { code: "key-invalid" }]);
        expect(await order.made()).toBe(0);
      },
    );

    test.each([[["one", "two"]], [["same", "same"]]])("more than one key field is refused: %j", async (values) => {
      const order = new Order(site.api);
      const headers = { "content-type": "application/json", "Idempotency-Key": values };
      const answer = await exchange(portOf(site.gateway), "/invoices", headers, order.body());
      expect(answer.head).toMatch(/^HTTP\/1\.1 400 /);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "key-conflict" });
      expect(await order.made()).toBe(0);
    });

    test("two key headers that differ are refused, two that agree are one key", async () => {
      const order = new Order(site.api);
      const differing = await order.post(site.gateway, { headers: { "idempotency-key": randomUUID() } });
      expectDocumented(differing, 400, "key-conflict");
      const agreeing = await order.post(site.gateway, { headers: { "idempotency-key": `"${order.key}"` } });
      expect([agreeing.status, await order.made()]).toEqual([201, 1]);
    });
  });

  describe("2.2 uniqueness", () => {
    test("another key is another operation, whatever its payload", async () => {
      const order = new Order(site.api);
      const first = await order.post(site.gateway);
      const second = await order.post(site.gateway, keyed({ "x-idempotency-key": randomUUID() }));
      expect([first.status, second.status, second.replayed]).toEqual([201, 201, false]);
      expect(await order.made()).toBe(2);
    });

    test("a key that was used is refused with another payload, and stays with its first", async () => {
      const order = new Order(site.api);
      const first = await order.post(site.gateway);
      expectDocumented(await order.post(site.gateway, { body: order.body({ currency: "USD" }) }), 422, "key-reused");
      expect((await order.post(site.gateway)).body).toEqual(first.body);
      expect(await order.made()).toBe(1);
    });
  });

  describe("2.3 validity and expiry", () => {
    test("the policy is published: 24 hours from completion unless the operator says otherwise", () => {
      const row = document("settings.md").match(/^\| `ONCEGATE_RETENTION` \| `(.+?)` \|.*\| (.+?) \|$/m);
      expect(row?.slice(1)).toEqual([
        "24h",
        expect.stringMatching(/^How long a completed record lives, counted from its completion\./),
      ]);
    });

    test("the policy that is published is the one that holds", async () => {
      const order = new Order(site.api);
      await order.post(site.gateway);
      await site.store.advance(24 * HOUR - 60_000);
      expect((await order.post(site.gateway)).replayed).toBe(true);
      await site.store.advance(60_000);
      const expired = await order.post(site.gateway);
      expect([expired.status, expired.replayed, await order.made()]).toEqual([201, false, 2]);
    });
  });

  test("2.4 fingerprint: a payload is the same by its values, not by its bytes", async () => {
    const order = new Order(site.api);
    const first = await order.post(site.gateway);
    const { customer, ...others } = JSON.parse(order.body()) as Record<string, unknown>;
    const rewritten = JSON.stringify({ ...others, customer }, undefined, 2);
    const again = await order.post(site.gateway, { body: rewritten });
    expect([again.status, again.replayed, again.body]).toEqual([201, true, first.body]);
    expect((await order.post(site.gateway, { body: rewritten.replace("3", "3.0") })).code).toBe("key-reused");
    expect(await order.made()).toBe(1);
  });

  test("2.5 responsibilities: what the server asks of keys is published", () => {
    const settings = document("settings.md");
    for (const name of ["KEY_HEADERS", "KEY_MAX_LENGTH", "METHODS", "REQUIRE_KEY", "RETENTION", "FINGERPRINT"])
      expect(settings).toContain(`| \`ONCEGATE_${name}\` |`);
    for (const code of Object.keys(PROBLEMS)) expect(document("problems.md")).toContain(`\n## ${code}\n`);
  });

  describe("2.6 enforcement", () => {
    test("a first request is processed normally and answered as the API answers it", async () => {
      const order = new Order(site.api);
      const direct = await order.post(site.api);
      const first = await order.post(site.gateway);
      expect([first.status, first.replayed]).toEqual([direct.status, false]);
      const { id, createdAt, updatedAt } = first.fields;
      expect(first.fields).toEqual({ ...direct.fields, id, createdAt, updatedAt });
      expect(await order.made()).toBe(2);
    });

    test.each([
      ["success", "delay:0", 201],
      ["error", "fail-after", 500],
      ["error", "status:409;after", 409],
    ])("a retry after completion gets the result: %s (%s)", async (_kind, fault, status) => {
      const order = new Order(site.api);
      const first = await order.postWith(fault, site.gateway);
      const retry = await order.post(site.gateway);
      expect([first.status, retry.status, retry.replayed]).toEqual([status, status, true]);
      expect(retry.body).toEqual(first.body);
      expect(await order.made()).toBe(1);
    });

    test("a concurrent request is answered with a resource conflict", async () => {
      const order = new Order(site.api);
      const first = order.post(site.holding);
      const running = await site.held.arrived(order.key);
      expectDocumented(await order.post(site.holding), 409, "operation-in-flight");
      running.created({ id: 1 });
      expect((await first).status).toBe(201);
      expect((await order.post(site.holding)).replayed).toBe(true); // no correction is required
      expect(site.held.count(order.key)).toBe(1);
    });
  });

  describe("2.7 errors", () => {
    test("a missing key is 400 where one is required, with a link to the documentation", async () => {
      const strict = await site.add({ ONCEGATE_REQUIRE_KEY: "true" });
      const order = new Order(site.api);
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`${strict.url}/invoices`, { method: "POST", headers, body: order.body() });
      expect([answer.status, answer.headers.get("content-type")]).toEqual([400, "application/problem+json"]);
      expect(await answer.json()).toMatchObject({ code: "key-missing", type: expect.stringMatching(/#key-missing$/) });
      expect(await order.made()).toBe(0);
      expect((await order.post(strict)).status).toBe(201); // corrected
    });

    test("a missing key passes where none is required", async () => {
      const order = new Order(site.api);
      const post = () =>
        fetch(`${site.gateway.url}/invoices`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: order.body(),
        });
      expect([(await post()).status, (await post()).status, await order.made()]).toEqual([201, 201, 2]);
    });
  });

  describe("5 security", () => {
    test("a key is validated before it is looked up: also without a store an invalid one is 400", async () => {
      const order = new Order(site.api);
      site.store.fail();
      try {
        expectDocumented(await order.post(site.gateway, keyed({ "x-idempotency-key": '"half' })), 400, "key-invalid");
        expectDocumented(await order.post(site.gateway), 503, "store-unavailable");
      } finally {
        await site.recover();
      }
      expect(await order.made()).toBe(0);
    });

    test("a key belongs to its client: another client's guess finds nothing and executes its own", async () => {
      const order = new Order(site.api);
      const as = (token: string) => order.post(site.gateway, { headers: { authorization: `Bearer ${token}` } });
      const [mine, theirs] = [await as("mine"), await as("theirs")];
      expect([mine.status, theirs.status, theirs.replayed]).toEqual([201, 201, false]);
      expect(theirs.fields["id"]).not.toBe(mine.fields["id"]);
      expect((await as("mine")).body).toEqual(mine.body);
      expect((await as("theirs")).body).toEqual(theirs.body);
      expect(await order.made()).toBe(2);
    });

    test("the key goes to the API as the client wrote it", async () => {
      const order = new Order(site.api);
      const first = order.post(site.holding, keyed({ "x-idempotency-key": `"${order.key}"` }));
      const arrival = await site.held.arrived(order.key);
      expect(headerOf(arrival.headers, "x-idempotency-key")).toEqual([`"${order.key}"`]);
      arrival.created({});
      expect((await first).status).toBe(201);
    });
  });
});
