import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import type { Completed, Name } from "../../src/domain/record.ts";
import type { Store } from "../../src/store/records.ts";
import { expectProblem } from "../support/expect-problem.ts";
import { install, Order } from "../support/installation.ts";
import type { Installation, Sent } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { HOUR } from "../store/operation.ts";

const [A, B] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];

type Done = { order: Order; name: Name; record: Completed };

/** One customer's token, as one of its sessions has it: the same scope, another credential. */
const as = (session: string): Sent => {
  const claims = Buffer.from(JSON.stringify({ iss: "here", sub: "customer-1" })).toString("base64url");
  return { headers: { authorization: `Bearer e30.${claims}.${Buffer.from(session).toString("base64url")}` } };
};

describe.each(STORES)("a %s store with encryption keys", (_name, startStore) => {
  let site: Installation;
  let behind: Store;
  beforeEach(async () => {
    site = await install(startStore, { ONCEGATE_ENCRYPTION_KEYS: A });
    behind = await site.store.open();
  });
  afterEach(async () => {
    await behind.close();
    await site.close();
  });

  /** An operation that was executed once and whose answer is kept. */
  const done = async (sent: Sent = {}, by = site.gateway): Promise<Done> => {
    const before = await site.store.names();
    const order = new Order(site.api);
    expect((await order.post(by, sent)).status).toBe(201);
    const name = (await site.store.names()).find((one) => !before.includes(one))!;
    return { order, name, record: await kept(name) };
  };
  const kept = async (name: Name): Promise<Completed> => {
    const record = await behind.records.read(name);
    if (record?.state !== "completed") throw new Error(`${name} is not completed`);
    return record;
  };
  /** Writes over a record as somebody can who has the store and no key. */
  const put = async (name: Name, record: Completed): Promise<void> => {
    expect(await behind.records.complete(name, { ...record, retentionMs: HOUR })).toBe("completed");
  };
  const expectReplay = async ({ order }: Done, by: OpenGateway) => {
    expect(await order.post(by)).toMatchObject({ status: 201, replayed: true });
    expect(await order.made()).toBe(1);
  };
  const expectRefusal = async ({ order }: Done, by: OpenGateway) => {
    expectProblem(await order.post(by), "store-unavailable");
    expect(await order.made()).toBe(1);
  };
  const withKeys = (keys: string) => site.add({ ONCEGATE_ENCRYPTION_KEYS: keys });

  test("rotates them: the first writes, all read, and an answer whose key went too early is back with the key", async () => {
    const early = await done();
    const rotated = await withKeys(`${B},${A}`);
    await expectReplay(early, rotated);
    const late = await done({}, rotated);

    const without = await withKeys(B);
    await expectReplay(late, without);
    await expectRefusal(early, without);
    const lines = without.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ alarm }) => alarm === "answer-unreadable")).toMatchObject({
      level: "error",
      key: early.name.split(".")[1],
      why: expect.stringMatching(/^a stored answer is encrypted with key [\da-f]{16}, which ONCEGATE_ENCRYPTION_KEYS/),
    });

    await expectReplay(early, await withKeys(`${B},${A}`));
    // A gateway that has not heard of the new key yet neither shows nor repeats what was written with it.
    await expectRefusal(late, site.gateway);
    await expectReplay(early, site.gateway);
  });

  test("swapped with another operation's, an answer is refused, and nothing executes", async () => {
    const [one, two] = [await done(), await done()];
    await put(one.name, { ...one.record, answer: two.record.answer });
    await put(two.name, { ...two.record, answer: one.record.answer });
    await expectRefusal(one, site.gateway);
    await expectRefusal(two, site.gateway);
    await put(one.name, one.record);
    await expectReplay(one, site.gateway);
    expect([await one.order.made(), await two.order.made()]).toEqual([1, 1]);
  });

  test("an answer whose record was turned to another customer or request is not shown", async () => {
    const [one, other] = [await done(as("one")), await done(as("other"))];
    await put(one.name, { ...one.record, credential: other.record.credential });
    expectProblem(await one.order.post(site.gateway, as("other")), "store-unavailable");
    await put(one.name, { ...one.record, fingerprint: other.record.fingerprint });
    expectProblem(await one.order.post(site.gateway, { ...as("one"), body: other.order.body() }), "store-unavailable");
    expect([await one.order.made(), await other.order.made()]).toEqual([1, 1]);
  });

  test("cut anywhere, or with any byte changed, an answer is refused, and nothing executes", async () => {
    const one = await done();
    const whole = Buffer.from(one.record.answer);
    const damaged = [0, 1, 8, 15, 47, 63, 64, whole.length - 16, whole.length - 1].map((end) => whole.subarray(0, end));
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << (at & 7);
      damaged.push(changed);
    }
    const statuses = new Set<number>();
    for (const answer of damaged) {
      await put(one.name, { ...one.record, answer });
      statuses.add((await one.order.post(site.gateway)).status);
    }
    expect([...statuses]).toEqual([503]);
    expect(await one.order.made()).toBe(1);
    await put(one.name, one.record);
    await expectReplay(one, site.gateway);
  });

  test("with none of its keys a gateway is not ready, says which key it wants, and executes nothing", async () => {
    const one = await done();
    for (const keys of ["", B, `${B},clear`])
      await withUnready(site, { ONCEGATE_ENCRYPTION_KEYS: keys }, async (gateway, why) => {
        expect(why).toMatch(/^the secret of names is encrypted with key [\da-f]{16}, which ONCEGATE_ENCRYPTION_KEYS/);
        await expectRefusal(one, gateway);
        const fresh = new Order(site.api);
        expectProblem(await fresh.post(gateway), "store-unavailable");
        expect(await fresh.made()).toBe(0);
      });
    await expectReplay(one, site.gateway);
  });
});

describe.each(STORES)("a %s store without encryption keys", (_name, startStore) => {
  let site: Installation;
  beforeEach(async () => {
    site = await install(startStore);
  });
  afterEach(() => site.close());

  const done = async (by: OpenGateway): Promise<Order> => {
    const order = new Order(site.api);
    expect((await order.post(by)).status).toBe(201);
    return order;
  };
  const retry = async (order: Order, by: OpenGateway): Promise<string> => {
    const { status, replayed } = await order.post(by);
    expect(await order.made()).toBe(1);
    return replayed ? "replayed" : `${status}`;
  };

  test("is switched to them and back in steps: each reads what the one before and the one after it write", async () => {
    let last = site.gateway;
    const orders: Order[] = [];
    for (const keys of [`clear,${A}`, `${A},clear`, A, `${A},clear`, `clear,${A}`]) {
      const next = await site.add({ ONCEGATE_ENCRYPTION_KEYS: keys });
      const [early, late] = [await done(last), await done(next)];
      expect([keys, await retry(early, next), await retry(late, last)]).toEqual([keys, "replayed", "replayed"]);
      orders.push(late);
      last = next;
    }
    const back = await site.add({});
    const answers = await Promise.all(orders.map((order) => retry(order, back)));
    // A retention later the three that were written with the key are gone.
    expect(answers).toEqual(["replayed", "503", "503", "503", "replayed"]);
  });

  test("refuses with words, and executes nothing, where keys come without the entry clear", async () => {
    const order = await done(site.gateway);
    await withUnready(site, { ONCEGATE_ENCRYPTION_KEYS: A }, async (gateway, why) => {
      expect(why).toBe("the secret of names is not encrypted, and ONCEGATE_ENCRYPTION_KEYS does not list clear");
      expect(await retry(order, gateway)).toBe("503");
    });
    expect(await retry(order, site.gateway)).toBe("replayed");
  });
});

/** A gateway that reaches the store and cannot use it; `why` as its readiness says. */
async function withUnready(
  { store, api }: Installation,
  env: Record<string, string>,
  use: (gateway: OpenGateway, why: string) => Promise<void>,
): Promise<void> {
  const gateway = await openGateway({ ONCEGATE_STORE: store.url, ONCEGATE_UPSTREAM_URL: api.url, ...env });
  try {
    const why = await until("what keeps it from being ready", async () => {
      const answer = await fetch(`${gateway.adminUrl}/ready`);
      const said = ((await answer.json()) as { why: string }).why;
      return !said.includes("is not connected yet") && `${answer.status} ${said}`;
    });
    expect(why.slice(0, 3)).toBe("503");
    await use(gateway, why.slice(4));
  } finally {
    await gateway.close();
  }
}
