import { describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { setImmediate as nextTick } from "node:timers/promises";
import { StoreError } from "../../src/store/records.ts";
import { until } from "../support/until.ts";
import type { Given } from "./contract.ts";
import { anAttempt, anyName, aRetry, DAY, HOUR, KEEP, LEASE, RETENTION, SECOND, theAnswer } from "./operation.ts";

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

export function keeping({ open, advance, restart }: Given): void {
  describe("an answer", () => {
    test.each([
      ["no byte", Buffer.alloc(0)],
      ["every byte", EVERY_BYTE],
      ["1 MB", randomBytes(1_048_576)],
      ["a view into a larger buffer", EVERY_BYTE.subarray(100, 200)],
    ])("of %s comes back byte for byte, on every handle", async (_, answer) => {
      const [one, two] = [await open(), await open()];
      const name = anyName();
      const attempt = anAttempt(one);
      await one.records.claim(name, attempt);
      await one.records.complete(name, theAnswer(attempt, answer));
      for (const store of [one, two]) {
        const replay = await store.records.claim(name, aRetry(store, attempt));
        const record = await store.records.read(name);
        if (replay.kind !== "completed" || record?.state !== "completed") throw new Error("not completed");
        expect(Buffer.from(replay.record.answer).equals(answer)).toBe(true);
        expect(Buffer.from(record.answer).equals(answer)).toBe(true);
      }
    });

    test("is replaced by a later one of the same owner", async () => {
      const store = await open();
      const name = anyName();
      const attempt = anAttempt(store);
      await store.records.claim(name, attempt);
      await store.records.complete(name, theAnswer(attempt, "found by a probe"));
      expect(await store.records.complete(name, theAnswer(attempt, "true"))).toBe("completed");
      const record = await store.records.read(name);
      if (record?.state !== "completed") throw new Error("not completed");
      expect(Buffer.from(record.answer).toString()).toBe("true");
    });

    test("is gone when its retention is over, counted from completion, and the key executes anew", async () => {
      const store = await open();
      const name = anyName();
      const attempt = anAttempt(store);
      await store.records.claim(name, attempt);
      await advance(20 * HOUR);
      await store.records.complete(name, theAnswer(attempt, "invoice 1"));
      await advance(RETENTION - HOUR);
      expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "completed" });
      await advance(2 * HOUR);
      expect(await store.records.read(name)).toBeUndefined();
      const next = anAttempt(store);
      expect(await store.records.renew(name, attempt.owner, LEASE)).toBe("lost");
      expect(await store.records.claim(name, next)).toEqual({ kind: "claimed" });
      expect(await store.records.read(name)).toMatchObject({ state: "executing", owner: next.owner });
      await advance(29 * DAY);
      expect(await store.records.read(name)).toMatchObject({ state: "unknown", owner: next.owner });
    });

    test("that recreated a lost record has its retention too", async () => {
      const store = await open();
      const name = anyName();
      const attempt = anAttempt(store);
      await store.records.complete(name, theAnswer(attempt, "invoice 1"));
      await advance(RETENTION - HOUR);
      expect(await store.records.read(name)).toMatchObject({ state: "completed" });
      await advance(2 * HOUR);
      expect(await store.records.read(name)).toBeUndefined();
    });
  });

  test("an unknown stays as long as its claim said, begun, renewed and held or not, and leaves with a word in the journal", async () => {
    const store = await open();
    const anUnknown = async (isHeld: boolean) => {
      const name = anyName();
      const attempt = anAttempt(store, { into: "claimed" });
      await store.records.claim(name, attempt);
      await store.records.begin(name, attempt.owner, LEASE);
      await store.records.renew(name, attempt.owner, LEASE);
      if (isHeld) await store.records.hold(name, attempt.owner, "upstream-silent");
      return { name, attempt };
    };
    const [lapsed, held] = [await anUnknown(false), await anUnknown(true)];
    await advance(2 * HOUR);
    const younger = [await anUnknown(false), await anUnknown(true)];
    await advance(KEEP - HOUR);
    for (const { name, attempt } of [lapsed, held]) {
      expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "unknown" });
      expect(await store.records.read(name)).toMatchObject({ state: "unknown" });
    }

    const sweeping = await open({ sweepEveryMs: 20 });
    for (const { name } of [lapsed, held])
      await until("it is swept", async () => (await sweeping.records.read(name)) === undefined);
    const noted = (name: string, reason: string) => ({
      event: "expired",
      name,
      reason,
      startedAt: expect.any(Number),
      at: expect.any(Number),
    });
    const entries = await store.journal.latest(10);
    expect(entries).toHaveLength(2);
    expect(entries).toContainEqual(noted(lapsed.name, "owner-lost"));
    expect(entries).toContainEqual(noted(held.name, "upstream-silent"));
    expect(await store.records.claim(held.name, aRetry(store, held.attempt))).toEqual({ kind: "claimed" });
    for (const { name } of younger) expect(await store.records.read(name)).toMatchObject({ state: "unknown" });
    expect(await store.records.countUnknown()).toBe(2);
  });

  test("counts as unknown what is held or lapsed while executing, and nothing else", async () => {
    const store = await open();
    const claim = async (into: "claimed" | "executing") => {
      const name = anyName();
      const attempt = anAttempt(store, { into });
      await store.records.claim(name, attempt);
      return { name, attempt, owner: attempt.owner };
    };
    expect(await store.records.countUnknown()).toBe(0);

    const completedLate = await claim("executing");
    const releasedLate = await claim("executing");
    await claim("executing");
    await claim("claimed");
    const completed = await claim("executing");
    await store.records.complete(completed.name, theAnswer(completed.attempt, "invoice 1"));
    const released = await claim("executing");
    await store.records.release(released.name, released.owner);
    expect(await store.records.countUnknown()).toBe(0);

    await advance(LEASE + SECOND);
    expect(await store.records.countUnknown()).toBe(3);
    const held = await claim("executing");
    await store.records.hold(held.name, held.owner, "answer-cut");
    await claim("executing");
    expect(await store.records.countUnknown()).toBe(4);

    await store.records.complete(completedLate.name, theAnswer(completedLate.attempt, "late truth"));
    await store.records.release(releasedLate.name, releasedLate.owner);
    expect(await store.records.countUnknown()).toBe(2);
  });

  test("records of every state survive a restart", async () => {
    const before = await open();
    const names = { waiting: anyName(), executing: anyName(), completed: anyName(), held: anyName(), free: anyName() };
    const waiting = anAttempt(before, { into: "claimed" });
    const attempt = anAttempt(before);
    await before.records.claim(names.waiting, waiting);
    for (const name of [names.executing, names.completed, names.held, names.free])
      await before.records.claim(name, attempt);
    await before.records.complete(names.completed, theAnswer(attempt, EVERY_BYTE));
    await before.records.hold(names.held, attempt.owner, "answer-cut");
    await before.records.release(names.free, attempt.owner);

    await restart();
    const after = await open();
    expect(await after.records.read(names.waiting)).toMatchObject({ state: "claimed", owner: waiting.owner });
    expect(await after.records.read(names.executing)).toMatchObject({ state: "executing", owner: attempt.owner });
    expect(await after.records.read(names.held)).toMatchObject({ state: "unknown", reason: "answer-cut" });
    expect(await after.records.read(names.free)).toBeUndefined();
    const completed = await after.records.read(names.completed);
    if (completed?.state !== "completed") throw new Error("not completed");
    expect(Buffer.from(completed.answer).equals(EVERY_BYTE)).toBe(true);
    expect(await after.records.claim(names.executing, aRetry(after, attempt))).toMatchObject({ kind: "in_flight" });
    expect(await after.records.renew(names.executing, attempt.owner, LEASE)).toBe("renewed");
    expect(await after.records.countUnknown()).toBe(1);
  });

  test("the secret of names is the first one offered, for everyone at once and after a restart", async () => {
    const [one, two] = [await open(), await open()];
    const candidates = [randomBytes(32), randomBytes(32)] as const;
    const [first, second] = await Promise.all([one.nameSecret(candidates[0]), two.nameSecret(candidates[1])]);
    expect(candidates.some((candidate) => candidate.equals(first))).toBe(true);
    expect(second.equals(first)).toBe(true);
    await advance(400 * DAY);
    await restart();
    const later = await open();
    expect((await later.nameSecret(randomBytes(32))).equals(first)).toBe(true);
  });

  test("the secret of names is replaced once, by whoever knows what stands there", async () => {
    const [one, two] = [await open(), await open()];
    const first = await one.nameSecret(randomBytes(32));
    const candidates = [randomBytes(32), randomBytes(100)] as const;
    await Promise.all([one.replaceNameSecret(first, candidates[0]), two.replaceNameSecret(first, candidates[1])]);
    const second = await one.nameSecret(randomBytes(32));
    expect(candidates.some((candidate) => candidate.equals(second))).toBe(true);
    await two.replaceNameSecret(first, randomBytes(32));
    await restart();
    const later = await open();
    expect((await later.nameSecret(randomBytes(32))).equals(second)).toBe(true);
  });

  test("its clock moves, never back, and is the same on every handle", async () => {
    const [one, two] = [await open(), await open()];
    const name = anyName();
    const start = one.records.time(name);
    let last = start;
    while (last < start + 20) {
      await nextTick();
      const now = one.records.time(name);
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    expect(Math.abs(two.records.time(name) - one.records.time(name))).toBeLessThan(SECOND);
  });

  test("answers a probe and says what it is and what survives", async () => {
    const store = await open();
    await store.probe();
    const { store: what, durability } = await store.describe();
    expect(what).toMatch(/^(sqlite|rediss?)/);
    expect(durability).not.toBe("");
  });

  test("throws a StoreError at every verb once it is closed, also when closed twice", async () => {
    const store = await open();
    const attempt = anAttempt(store);
    await store.close();
    await store.close();
    await expect(store.records.claim(anyName(), attempt)).rejects.toBeInstanceOf(StoreError);
    await expect(store.records.read(anyName())).rejects.toBeInstanceOf(StoreError);
    await expect(store.probe()).rejects.toBeInstanceOf(StoreError);
  });
}
