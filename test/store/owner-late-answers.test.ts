import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { Keyring } from "../../src/store/keyring.ts";
import { Owner } from "../../src/store/owner.ts";
import type { Alarm } from "../../src/store/lease.ts";
import { StoreError } from "../../src/store/records.ts";
import type { Records, Store } from "../../src/store/records.ts";
import { until } from "../support/until.ts";
import { sqliteFixture } from "./sqlite-fixture.ts";
import type { SqliteFixture } from "./sqlite-fixture.ts";

const NAME = `${"s".repeat(22)}.${"k".repeat(22)}`;
const isCurrent = (): boolean => true;
const WHAT = { fingerprint: "f".repeat(21) + "A", credential: "c".repeat(21) + "A" };

let fixture: SqliteFixture;
let store: Store;
beforeEach(async () => {
  fixture = await sqliteFixture();
  store = await fixture.open();
});
afterEach(() => fixture.destroy());

/** An owner at the real store, but for the verbs that `differently` answers. */
function owner(leaseMs: number, differently: Partial<Records> = {}, onAlarm: (alarm: Alarm) => void = () => {}): Owner {
  return new Owner({
    keyring: new Keyring(),
    records: { ...store.records, ...differently },
    leaseMs,
    unknownRetentionMs: 60_000,
    onAlarm,
  });
}

async function claimed(by: Owner) {
  const claim = await by.claim(NAME, WHAT, isCurrent);
  if (claim.kind !== "claimed") throw new Error(claim.kind);
  return claim.lease;
}

describe("a lease counts from the sending, not from the answer:", () => {
  const LEASE = 1_000;

  test("a claim that the store took longer than a lease to confirm may not be sent", async () => {
    const by = owner(LEASE, {
      async claim(...args) {
        const answer = await store.records.claim(...args);
        await sleep(LEASE + 100);
        return answer;
      },
    });
    const lease = await claimed(by);
    expect(lease.isGood()).toBe(false);
    lease.stopRenewing();
  });

  test("a renewal that took longer than a lease renews nothing", async () => {
    const renewed = Promise.withResolvers<void>();
    const by = owner(LEASE, {
      async renew(...args) {
        const answer = await store.records.renew(...args);
        await sleep(LEASE + 100);
        setImmediate(renewed.resolve);
        return answer;
      },
    });
    const lease = await claimed(by);
    await renewed.promise;
    expect(lease.isGood()).toBe(false);
    lease.stopRenewing();
  });

  test("a lease that the store says is another's is over at once", async () => {
    const said = Promise.withResolvers<string>();
    const by = owner(6_000, {
      async renew(...args) {
        const answer = await store.records.renew(...args);
        setImmediate(said.resolve, answer);
        return answer;
      },
    });
    const lease = await claimed(by);
    const record = await store.records.read(NAME);
    await store.records.release(NAME, record?.owner ?? "");
    expect(lease.isGood()).toBe(true);
    expect([await said.promise, lease.isGood()]).toEqual(["lost", false]);
    lease.stopRenewing();
  });

  test("nothing is renewed any more once its owner has let go", async () => {
    let renewals = 0;
    const underWay = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<"renewed">();
    const by = owner(300, {
      renew() {
        renewals++;
        underWay.resolve();
        return answered.promise;
      },
    });
    const lease = await claimed(by);
    await underWay.promise;
    lease.stopRenewing();
    answered.resolve("renewed");
    await until("the record is unknown", async () => (await store.records.read(NAME))?.state === "unknown");
    expect(renewals).toBe(1);
  });
});

describe("a claim of which a copy may still arrive is withdrawn after its deadline, where the answer is", () => {
  /** Asks with a first copy that gets no answer and arrives when the key is free again. */
  async function arrivingLate(free: () => Promise<unknown>): Promise<string> {
    const { records } = store;
    const releases: number[] = [];
    let late: (() => Promise<unknown>) | undefined;
    let deadline = Number.NaN;
    const by = owner(10_000, {
      claim(name, attempt) {
        deadline = attempt.deadline;
        if (late !== undefined) return records.claim(name, attempt);
        late = () => records.claim(name, attempt);
        return Promise.reject(new StoreError("ambiguous", "no reply"));
      },
      async release(...args) {
        const released = await records.release(...args);
        releases.push(released.at);
        return released;
      },
    });
    const { kind } = await by.claim(NAME, WHAT, isCurrent);
    await free();
    await late?.();
    await by.idle();
    expect(releases.at(-1)).toBeGreaterThan(deadline);
    expect(await records.read(NAME)).toBeUndefined();
    return kind;
  }

  test("another's operation that runs", async () => {
    const lease = await claimed(owner(10_000));
    expect(await arrivingLate(() => lease.release())).toBe("in_flight");
  });

  test("another's operation that is unknown", async () => {
    const lease = await claimed(owner(10_000));
    const record = await store.records.read(NAME);
    await lease.hold("upstream-reset");
    expect(await arrivingLate(() => store.records.release(NAME, record?.owner ?? ""))).toBe("unknown");
  });

  test("another's stored answer, which expires before the copy arrives", async () => {
    const lease = await claimed(owner(10_000));
    await lease.complete({ kind: "answer", status: 201, headers: [], body: Buffer.from("ok") }, 60_000);
    const expire = () => fixture.connect().exec("DELETE FROM record");
    expect(await arrivingLate(async () => expire())).toBe("completed");
  });
});

test("a release that is sent again finds the key another's already: it is released, and no alarm is raised", async () => {
  const alarms: Alarm[] = [];
  let isFirst = true;
  const differently: Partial<Records> = {
    async release(...args) {
      const released = await store.records.release(...args);
      if (!isFirst) return released;
      isFirst = false;
      await claimed(owner(10_000)).then((lease) => lease.stopRenewing());
      throw new StoreError("ambiguous", "no reply");
    },
  };
  const lease = await claimed(owner(10_000, differently, (alarm) => alarms.push(alarm)));
  expect(await lease.release()).toBe(true);
  expect(alarms).toEqual([]);
  expect((await store.records.read(NAME))?.state).toBe("executing");
});
