import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kept } from "../../src/domain/replay.ts";
import { decodeKept } from "../../src/store/codec.ts";
import type { Alarm } from "../../src/store/lease.ts";
import { Keyring } from "../../src/store/keyring.ts";
import { Owner } from "../../src/store/owner.ts";
import { StoreError, type Records, type Store } from "../../src/store/records.ts";
import { until } from "../support/until.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";

const NAME = `${"s".repeat(22)}.${"k".repeat(22)}`;
const always = () => true;
const WHAT = { fingerprint: "f".repeat(21) + "A", credential: "c".repeat(21) + "A" };
const ANSWER: Kept = { kind: "answer", status: 201, headers: [], body: Buffer.from("the answer") };

type Verb = "claim" | "renew" | "complete" | "release" | "hold";
/** What happens to the next call of a verb: its request never arrives, its reply is lost, or it arrives later than given up on. */
type Fault = "unsent" | "request-lost" | "reply-lost";

let folder: string;
let store: Store;
let faults: [Verb, Fault][];
let alarms: Alarm[];
let calls: Verb[];
/** On the store's clock: when the last claim's copies became too late, and when the last release was done. */
let last: { deadline: number; releasedAt: number };
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-owner-"));
  store = await openSqlite({ file: join(folder, "records.db") });
  [faults, alarms, calls, last] = [[], [], [], { deadline: Number.NaN, releasedAt: Number.NaN }];
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The real store behind a connection that fails as told. */
function faulty(records: Records): Records {
  const through = async <Answer>(verb: Verb, ask: () => Promise<Answer>): Promise<Answer> => {
    calls.push(verb);
    const at = faults.findIndex(([of]) => of === verb);
    const fault = at === -1 ? undefined : faults.splice(at, 1)[0]?.[1];
    if (fault === "unsent") throw new StoreError("unsent", "no connection");
    if (fault === "request-lost") throw new StoreError("ambiguous", "no reply");
    const answer = await ask();
    if (fault === "reply-lost") throw new StoreError("ambiguous", "no reply");
    return answer;
  };
  return {
    ...records,
    time: (name) => records.time(name),
    claim: (name, attempt) => {
      last.deadline = attempt.deadline;
      return through("claim", () => records.claim(name, attempt));
    },
    renew: (...args) => through("renew", () => records.renew(...args)),
    complete: (...args) => through("complete", () => records.complete(...args)),
    release: (...args) =>
      through("release", async () => {
        const released = await records.release(...args);
        last.releasedAt = released.at;
        return released;
      }),
    hold: (...args) => through("hold", () => records.hold(...args)),
  };
}

function owner(leaseMs = 10_000): Owner {
  return new Owner({
    keyring: new Keyring(),
    records: faulty(store.records),
    leaseMs,
    unknownRetentionMs: 60_000,
    onAlarm: (alarm) => alarms.push(alarm),
  });
}

async function claimed(by: Owner) {
  const claim = await by.claim(NAME, WHAT, always);
  if (claim.kind !== "claimed") throw new Error(claim.kind);
  return claim.lease;
}
const state = async () => (await store.records.read(NAME))?.state ?? "absent";
const times = (count: number, verb: Verb, fault: Fault): [Verb, Fault][] =>
  Array.from({ length: count }, () => [verb, fault]);

describe("an owner", () => {
  test.each<Fault>(["unsent", "request-lost", "reply-lost"])(
    "owns the operation although its first claim was %s",
    async (fault) => {
      faults = [["claim", fault]];
      const lease = await claimed(owner());
      expect(lease.isGood()).toBe(true);
      expect(await state()).toBe("executing");
      lease.stopRenewing();
    },
  );

  test("tells the store what it needs and no more", async () => {
    const told: string[][] = [];
    const records = faulty(store.records);
    const watching = new Owner({
      keyring: new Keyring(),
      records: {
        ...records,
        claim: (name, attempt) => (told.push(Object.keys(attempt)), records.claim(name, attempt)),
      },
      leaseMs: 10_000,
      unknownRetentionMs: 60_000,
      onAlarm: () => {},
    });
    const surplus = { ...WHAT, body: "a body of megabytes" };
    const claim = await watching.claim(NAME, surplus, always);
    if (claim.kind === "claimed") claim.lease.stopRenewing();
    expect(told[0]?.toSorted()).toEqual([
      "credential",
      "deadline",
      "fingerprint",
      "into",
      "keepMs",
      "leaseMs",
      "owner",
    ]);
  });

  test("whose own claim is told of so late that its lease is over says that nothing was sent, and withdraws it", async () => {
    const records = faulty(store.records);
    let first = true;
    const late = new Owner({
      keyring: new Keyring(),
      records: {
        ...records,
        async claim(name, attempt) {
          const answer = await records.claim(name, attempt);
          if (!first) return answer;
          first = false;
          await until("its lease is over", async () => (await state()) === "unknown");
          throw new StoreError("ambiguous", "no reply");
        },
      },
      leaseMs: 1_000,
      unknownRetentionMs: 60_000,
      onAlarm: (alarm) => alarms.push(alarm),
    });
    await expect(late.claim(NAME, WHAT, always)).rejects.toMatchObject({ name: "StoreError", fate: "unsent" });
    await late.idle();
    expect(await state()).toBe("absent");
  });

  test("that gives up on a claim of unclear fate withdraws it until its deadline is over", async () => {
    faults = times(100, "claim", "reply-lost");
    const by = owner();
    await expect(by.claim(NAME, WHAT, always)).rejects.toThrow(StoreError);
    await by.idle();
    expect(last.releasedAt).toBeGreaterThan(last.deadline);
    expect(await state()).toBe("absent");
  });

  test("that could not send its claim at all withdraws nothing", async () => {
    faults = times(100, "claim", "unsent");
    const by = owner();
    await expect(by.claim(NAME, WHAT, always)).rejects.toThrow(StoreError);
    await by.idle();
    expect(calls).not.toContain("release");
  });

  test("that sent its claim twice and released it releases again after the deadline", async () => {
    faults = [["claim", "request-lost"]];
    const by = owner();
    const lease = await claimed(by);
    expect(await lease.release()).toBe(true);
    await by.idle();
    expect(last.releasedAt).toBeGreaterThan(last.deadline);
    expect(await state()).toBe("absent");
  });

  test.each<Fault>(["unsent", "request-lost", "reply-lost"])("completes although its settle was %s", async (fault) => {
    const lease = await claimed(owner());
    faults = [["complete", fault]];
    expect(await lease.complete(ANSWER, 60_000)).toBe(true);
    expect(await store.records.read(NAME)).toMatchObject({ state: "completed" });
    expect(alarms).toEqual([]);
  });

  test("says after a second that the answer is not stored yet, and goes on until it is", async () => {
    const by = owner();
    const lease = await claimed(by);
    faults = times(6, "complete", "request-lost");
    expect(await lease.complete(ANSWER, 60_000)).toBe(false);
    expect(await state()).toBe("executing");
    await by.idle();
    expect(await state()).toBe("completed");
  });

  test("renews its lease while the operation runs, and over a lost renewal", async () => {
    faults = [["renew", "request-lost"]];
    const leaseMs = 4_000;
    const lease = await claimed(owner(leaseMs));
    const claimedAt = performance.now();
    await until("it is past its first lease", () => performance.now() > claimedAt + leaseMs);
    expect(faults).toEqual([]);
    expect(lease.isGood()).toBe(true);
    expect(await state()).toBe("executing");
    expect(await lease.complete(ANSWER, 60_000)).toBe(true);
  });

  test("whose renewals fail may no longer send once the lease is over, and still completes with the late truth", async () => {
    faults = times(1_000, "renew", "request-lost");
    const lease = await claimed(owner(1_000));
    await until("the lease is over", () => !lease.isGood());
    await until("the record is unknown", async () => (await state()) === "unknown");
    expect(await lease.complete(ANSWER, 60_000)).toBe(true);
    expect(await state()).toBe("completed");
    expect(alarms).toEqual([]);
  });

  test("that lets go leaves a record that becomes unknown, never free", async () => {
    const lease = await claimed(owner(1_000));
    lease.stopRenewing();
    await until("the record is unknown", async () => (await state()) === "unknown");
    expect(await owner().claim(NAME, WHAT, always)).toMatchObject({
      kind: "unknown",
      record: { reason: "owner-lost" },
    });
  });

  test("raises an alarm where its record was lost, and writes it again", async () => {
    const lease = await claimed(owner());
    const record = await store.records.read(NAME);
    await store.records.release(NAME, record?.owner ?? "");
    expect(await lease.complete(ANSWER, 60_000)).toBe(true);
    expect(await state()).toBe("completed");
    expect(alarms).toEqual([{ alarm: "record-recreated", name: NAME }]);
  });

  test("raises an alarm where another one has its key, and changes nothing", async () => {
    const slow = await claimed(owner());
    const record = await store.records.read(NAME);
    await store.records.release(NAME, record?.owner ?? "");
    const fast = await claimed(owner());
    expect(await fast.complete(ANSWER, 60_000)).toBe(true);
    expect(await slow.complete({ ...ANSWER, status: 200 }, 60_000)).toBe(false);
    const completed = await store.records.read(NAME);
    expect(completed?.state === "completed" && decodeKept(completed.answer)).toEqual(ANSWER);
    expect(alarms).toEqual([{ alarm: "settle-refused", name: NAME }]);
  });
});
