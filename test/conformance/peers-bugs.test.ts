import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHash, randomUUID } from "node:crypto";
import { install, Order, portOf, send } from "../support/installation.ts";
import type { Answer, Installation } from "../support/installation.ts";
import { leave, openRequest } from "../support/raw-exchange.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";

/** Defects that other idempotency layers shipped, each shown not to be here. peers-bugs-crash.test.ts has the rest. */
describe.each(STORES)("on %s", (_, startStore) => {
  let site: Installation;
  beforeAll(async () => {
    site = await install(startStore);
  });
  afterAll(() => site.close());

  const sample = (shape: string, key: string, body = "sample") =>
    send(`${site.gateway.url}/samples`, { headers: { "x-idempotency-key": key, "x-sample-answer": shape }, body });

  test("the response is not lost when the client leaves: the operation runs on and its answer is kept", async () => {
    const order = new Order(site.api);
    const headers = { "content-type": "application/json", "x-idempotency-key": order.key, "x-test": order.key };
    const client = await openRequest(portOf(site.holding), "/invoices", headers, order.body());
    const arrival = await site.held.arrived(order.key);
    await leave(client);
    await fetch(`${site.holding.adminUrl}/live`); // what the gateway reads after the end it has read the end before
    arrival.created({ id: 42 });
    let retry: Answer | undefined;
    await until("the answer is kept", async () => {
      retry = await order.post(site.holding);
      expect([201, 409]).toContain(retry.status);
      return retry.status === 201;
    });
    expect(retry).toMatchObject({ status: 201, replayed: true, fields: { id: 42 } });
    expect(site.held.count(order.key)).toBe(1);
  });

  test("a client that leaves while its upload is under way leaves no claim behind", async () => {
    const order = new Order(site.api);
    const body = order.body();
    const headers = { "content-type": "application/json", "x-idempotency-key": order.key, "x-test": order.key };
    const client = await openRequest(
      portOf(site.gateway),
      "/invoices",
      { ...headers, "content-length": String(Buffer.byteLength(body)) },
      body.slice(0, -10),
    );
    await leave(client);
    expect(await order.post(site.gateway)).toMatchObject({ status: 201, replayed: false });
    expect(await order.made()).toBe(1);
  });

  test("another tenant never gets the stored answer, and nobody gets its Set-Cookie", async () => {
    const key = randomUUID();
    const as = (authorization: string) =>
      send(`${site.gateway.url}/samples`, {
        headers: { "x-idempotency-key": key, "x-sample-answer": "repeated-headers", authorization },
        body: "the same",
      });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
    const jwt = (claims: object) =>
      `Bearer ${["{}", JSON.stringify(claims)].map((text) => Buffer.from(text).toString("base64url")).join(".")}.c2ln`;
    const tenants = [
      "Bearer opaque-1",
      "Bearer opaque-2",
      basic("anna:secret"),
      basic("anton:secret"),
      jwt({ iss: "i", sub: "s", azp: "c" }),
      jwt({ iss: "other", sub: "s", azp: "c" }),
      jwt({ iss: "i", sub: "other", azp: "c" }),
      jwt({ iss: "i", sub: "s", azp: "other" }),
    ];
    const before = await site.api.count("/samples");
    const firsts = await Promise.all(tenants.map(as));
    expect(firsts.map(({ status, replayed }) => [status, replayed])).toEqual(tenants.map(() => [201, false]));
    expect(new Set(firsts.map(({ fields }) => fields["id"])).size).toBe(tenants.length);
    expect(firsts[0]!.headers.getSetCookie()).toHaveLength(2);

    const retries = await Promise.all(tenants.map(as));
    expect(retries.map(({ body }) => body)).toEqual(firsts.map(({ body }) => body));
    for (const { replayed, headers } of retries) expect([replayed, headers.getSetCookie()]).toEqual([true, []]);
    expect(await site.api.count("/samples")).toBe(before + tenants.length);
    expect((await site.store.contents()).includes("session=one")).toBe(false);
  });

  test("a mismatch does not overwrite the stored answer", async () => {
    const order = new Order(site.api);
    const first = await order.post(site.gateway);
    for (const differing of [{ currency: "USD" }, { customer: "Other Ltd" }, { lines: [] }]) {
      const mismatch = await order.post(site.gateway, { body: order.body(differing) });
      expect([mismatch.status, mismatch.code]).toEqual([422, "key-reused"]);
      expect((await order.post(site.gateway)).body).toEqual(first.body);
    }
    expect(await order.made()).toBe(1);
  });

  test.each(["empty", "chunked"])("an answer without a length is stored too, not executed again: %s", async (shape) => {
    const [key, before] = [randomUUID(), await site.api.count("/samples")];
    const first = await sample(shape, key);
    for (let retry = 1; retry <= 3; retry++) {
      const { status, body, replayed } = await sample(shape, key);
      expect([status, body, replayed]).toEqual([first.status, first.body, true]);
    }
    expect(await site.api.count("/samples")).toBe(before + 1);
  });

  test("PDF and gzip bodies are not corrupted, neither in the first answer nor in the replay", async () => {
    const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    const invoice = await new Order(site.api).post(site.api);
    const pdf = () =>
      send(`${site.gateway.url}/invoices/${String(invoice.fields["id"])}/pdf`, {
        headers: { "x-idempotency-key": `${String(invoice.fields["id"])} pdf` },
      });
    const [first, replay] = [await pdf(), await pdf()];
    expect([first.headers.get("content-type"), replay.replayed]).toEqual(["application/pdf", true]);
    expect(first.body.toString("latin1")).toMatch(/^%PDF-1[^]*%%EOF\s*$/);
    expect(sha256(replay.body)).toBe(sha256(first.body));

    const [key, every] = [randomUUID(), Buffer.from(Array.from({ length: 65_536 }, (__, i) => (i * 31) % 256))];
    const bytes = () => send(`${site.holding.url}/bytes`, { headers: { "x-idempotency-key": key, "x-test": key } });
    const sent = bytes();
    (await site.held.arrived(key)).answer(200, ["Content-Type", "application/pdf"], every);
    for (const got of [await sent, await bytes()]) expect(sha256(got.body)).toBe(sha256(every));

    const [zip, unzipped] = [randomUUID(), { id: expect.any(Number) }]; // fetch unzips
    expect([(await sample("gzip", zip)).fields, (await sample("gzip", zip)).fields]).toEqual([unzipped, unzipped]);
  });

  test("Content-Type: application/json; charset=utf-8 is JSON: a retry is known by its values", async () => {
    const order = new Order(site.api);
    const types = ["application/json; charset=utf-8", "application/json", "Application/JSON;charset=UTF-8"];
    const bodies = [order.body(), JSON.stringify(JSON.parse(order.body()), undefined, 4), ` ${order.body()}\n`];
    const answers: Answer[] = [];
    for (const [i, type] of types.entries())
      answers.push(await order.post(site.gateway, { headers: { "content-type": type }, body: bodies[i]! }));
    expect(answers.map(({ status, replayed }) => [status, replayed])).toEqual([
      [201, false],
      [201, true],
      [201, true],
    ]);
    expect(await order.made()).toBe(1);
  });

  test("concurrent duplicates are not all executed: 100 at once on two gateways make one invoice", async () => {
    const other = await site.add({});
    const order = new Order(site.api);
    const gateways = [site.gateway, other];
    const answers = await Promise.all(Array.from({ length: 100 }, (__, i) => order.post(gateways[i % 2]!)));
    const [first, ...more] = answers.filter(({ status, replayed }) => status === 201 && !replayed);
    expect(more).toEqual([]);
    for (const answer of answers.filter((one) => one !== first)) {
      const said = answer.replayed ? answer.body.toString() : answer.code;
      expect([first!.body.toString(), "operation-in-flight"]).toContain(said);
    }
    expect(await order.made()).toBe(1);
    for (const gateway of gateways) expect((await order.post(gateway)).body).toEqual(first!.body);
  });

  test("the client's key is not the store's name of it: nothing in a key reaches a store as text", async () => {
    const mark = randomUUID();
    const keys = [
      "*",
      "og:{A}:name-secret",
      "'; DROP TABLE record; --",
      "../../etc/passwd",
      "%00$(id)`id`",
      "__proto__",
    ];
    const written = keys.map((key) => `${key} ${mark}`);
    const before = await site.api.count("/samples");
    for (const key of [...written, ...keys])
      expect(await sample("json", key)).toMatchObject({ status: 201, replayed: false });
    for (const key of [...written, ...keys])
      expect(await sample("json", key)).toMatchObject({ status: 201, replayed: true });
    expect(await site.api.count("/samples")).toBe(before + 2 * keys.length);
    const contents = await site.store.contents();
    for (const text of [mark, "DROP TABLE record", "passwd", "__proto__"]) expect(contents.includes(text)).toBe(false);
    expect(site.gateway.lines.filter((line) => line.includes(mark))).toEqual([]);
  });

  test("Authorization is not stored in clear, nor is a body, nor does a log name either", async () => {
    const [token, secret] = [randomUUID(), randomUUID()];
    const order = new Order(site.api);
    const post = (fault: Record<string, string>) =>
      order.post(site.gateway, {
        headers: {
          authorization: `Bearer ${token}`,
          "x-api-key": `key-${token}`,
          cookie: `session=${token}`,
          ...fault,
        },
        body: order.body({ customer: secret }),
      });
    expect((await post({ "x-sample-fault": "status:500;after" })).status).toBe(500);
    expect((await post({})).replayed).toBe(true);
    const contents = await site.store.contents();
    for (const text of [token, Buffer.from(token).toString("base64"), secret, order.key])
      expect(contents.includes(text)).toBe(false);
    const logged = site.gateway.lines.join("");
    expect(logged).toContain('"outcome":"replayed"');
    for (const text of [token, secret, order.key]) expect(logged).not.toContain(text);
  });
});
