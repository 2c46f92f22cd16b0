import { describe, expect, test } from "@jest/globals";
import type { StoredRecord, Unknown } from "../../src/domain/record.ts";
import type { Note } from "../../src/store/journal.ts";
import type { Store } from "../../src/store/records.ts";
import type { Given } from "./contract.ts";
import {
  anAttempt,
  anyName,
  anyOwner,
  anyToken,
  aRetry,
  HOUR,
  LEASE,
  RETENTION,
  SECOND,
  theAnswer,
} from "./operation.ts";

const FOUND = Buffer.from("invoice 7");

function textOf(record: StoredRecord | undefined): string | undefined {
  return record?.state === "completed" ? Buffer.from(record.answer).toString() : undefined;
}

export function resolving({ open, advance }: Given): void {
  const anUnknown = async (store: Store, by: "its lapse" | "its owner" = "its owner") => {
    const name = anyName();
    const attempt = anAttempt(store);
    await store.records.claim(name, attempt);
    if (by === "its lapse") await advance(LEASE + SECOND);
    else await store.records.hold(name, attempt.owner, "upstream-silent");
    const note = (verdict: "executed" | "not-executed"): Note => ({
      event: "resolved",
      name,
      owner: attempt.owner,
      verdict,
      by: "Ann",
      why: "looked in the API",
    });
    return { name, attempt, owner: attempt.owner, note };
  };
  const executed = (owner: string) => ({ owner, verdict: "executed", answer: FOUND, retentionMs: RETENTION }) as const;

  describe("an unknown", () => {
    test.each(["its lapse", "its owner"] as const)(
      "by %s is completed where somebody found that it executed, and says so again",
      async (by) => {
        const store = await open();
        const { name, attempt, owner, note } = await anUnknown(store, by);
        const before = await store.records.read(name);
        for (let i = 0; i < 2; i++)
          expect(await store.records.resolve(name, executed(owner), note("executed"))).toBe("resolved");
        const record = await store.records.read(name);
        expect(record).toMatchObject({ state: "completed", owner, startedAt: before?.startedAt });
        expect(await store.records.claim(name, aRetry(store, attempt))).toEqual({ kind: "completed", record });
        expect(textOf(record)).toBe("invoice 7");
        expect(await store.journal.latest(10)).toEqual([{ ...note("executed"), at: expect.any(Number) }]);
        await advance(RETENTION + HOUR);
        expect(await store.records.read(name)).toBeUndefined();
      },
    );

    test.each(["its lapse", "its owner"] as const)(
      "by %s frees its key where somebody found that it did not execute",
      async (by) => {
        const store = await open();
        const { name, attempt, owner, note } = await anUnknown(store, by);
        const resolution = { owner, verdict: "not-executed" } as const;
        expect(await store.records.resolve(name, resolution, note("not-executed"))).toBe("resolved");
        expect(await store.records.read(name)).toBeUndefined();
        expect(await store.records.resolve(name, resolution, note("not-executed"))).toBe("absent");
        expect(await store.records.claim(name, aRetry(store, attempt))).toEqual({ kind: "claimed" });
        expect(await store.journal.latest(10)).toHaveLength(1);
      },
    );

    test("is replaced by the owner's own late answer, and not resolved any more", async () => {
      const store = await open();
      const { name, attempt, owner, note } = await anUnknown(store);
      await store.records.resolve(name, executed(owner), note("executed"));
      expect(await store.records.complete(name, theAnswer(attempt, "late truth"))).toBe("completed");
      expect(await store.records.resolve(name, executed(owner), note("executed"))).toBe("refused");
      expect(textOf(await store.records.read(name))).toBe("late truth");
    });
  });

  describe("a look that did not find an unknown", () => {
    const GATEWAY = 1_790_000_000_000;

    test.each(["its lapse", "its owner"] as const)(
      "by %s is remembered with the moment of the first one, whichever gateway and connection looks again",
      async (by) => {
        const store = await open();
        const { name, attempt, owner } = await anUnknown(store, by);
        const before = await store.records.read(name);
        expect(await store.records.look(name, owner, GATEWAY)).toEqual({ kind: "looked", firstAgoMs: 0 });
        await advance(10 * SECOND);
        const again = await (await open()).records.look(name, owner, GATEWAY + 9 * SECOND);
        // The first one is older by 10 s on both clocks, and the looking gateway's own says 9 s more.
        expect(again).toEqual({ kind: "looked", firstAgoMs: expect.any(Number) });
        const { firstAgoMs } = again as { firstAgoMs: number };
        expect(firstAgoMs).toBeGreaterThanOrEqual(10 * SECOND);
        expect(firstAgoMs).toBeLessThan(19 * SECOND);
        const { firstLook, ...rest } = (await store.records.read(name)) as Unknown;
        expect(firstLook?.gatewayAt).toBe(GATEWAY - 10 * SECOND);
        expect(rest).toMatchObject({ state: "unknown", reason: (before as Unknown).reason, owner });
        expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "unknown" });
        expect(await store.records.list("unknown", 10)).toMatchObject([{ name, record: { owner, firstLook } }]);
        expect(await store.records.countUnknown()).toBe(1);
      },
    );

    test("is no longer ago than either clock says, and a clock that ran backwards makes it the first one", async () => {
      const store = await open();
      const { name, owner } = await anUnknown(store);
      await store.records.look(name, owner, GATEWAY);
      await advance(HOUR);
      // The store's clock alone jumped ahead: the gateway's has not moved.
      expect(await store.records.look(name, owner, GATEWAY - HOUR + SECOND)).toEqual({
        kind: "looked",
        firstAgoMs: SECOND,
      });
      expect(await store.records.look(name, owner, GATEWAY - 2 * HOUR)).toEqual({ kind: "looked", firstAgoMs: 0 });
      const { firstLook } = (await store.records.read(name)) as Unknown;
      expect(firstLook?.gatewayAt).toBe(GATEWAY - 2 * HOUR);
    });

    test("takes a lapsed lease from its owner for good, not the owner's right to the truth", async () => {
      const store = await open();
      const { name, attempt, owner } = await anUnknown(store, "its lapse");
      await store.records.look(name, owner, GATEWAY);
      expect(await store.records.renew(name, owner, LEASE)).toBe("lost");
      // A later word of the owner's that it does not know either: from then on it is looked for anew.
      expect(await store.records.hold(name, owner, "upstream-silent")).toBe("held");
      expect(await store.records.read(name)).not.toHaveProperty("firstLook");
      await store.records.look(name, owner, GATEWAY);
      expect(await store.records.complete(name, theAnswer(attempt, "late truth"))).toBe("completed");
      expect(await store.records.look(name, owner, GATEWAY)).toEqual({ kind: "refused" });
      expect(textOf(await store.records.read(name))).toBe("late truth");
    });

    test("of another operation, or of one that is not unknown, is refused and changes nothing", async () => {
      const store = await open();
      const unknown = await anUnknown(store);
      expect(await store.records.look(unknown.name, anyOwner(), GATEWAY)).toEqual({ kind: "refused" });
      expect(await store.records.look(anyName(), anyOwner(), GATEWAY)).toEqual({ kind: "refused" });
      const [name, attempt] = [anyName(), anAttempt(store)];
      await store.records.claim(name, attempt);
      expect(await store.records.look(name, attempt.owner, GATEWAY)).toEqual({ kind: "refused" });
      expect(await store.records.read(name)).toMatchObject({ state: "executing" });
      expect(await store.records.read(unknown.name)).not.toHaveProperty("firstLook");
    });
  });

  test("only what is unknown is resolved, and only the operation that was judged", async () => {
    const store = await open();
    const judged = await anUnknown(store);
    const other = executed(anyOwner());
    expect(await store.records.resolve(judged.name, other, judged.note("executed"))).toBe("refused");

    for (const into of ["claimed", "executing"] as const) {
      const [name, attempt] = [anyName(), anAttempt(store, { into })];
      await store.records.claim(name, attempt);
      const record = await store.records.read(name);
      for (const resolution of [executed(attempt.owner), { owner: attempt.owner, verdict: "not-executed" } as const])
        expect(await store.records.resolve(name, resolution, judged.note(resolution.verdict))).toBe("refused");
      expect(await store.records.read(name)).toEqual(record);
    }
    expect(await store.journal.latest(10)).toEqual([]);
  });

  describe("a list", () => {
    test("of unknowns names each with its reason, the longest standing first, and no other record", async () => {
      const store = await open();
      const lapsed = await anUnknown(store, "its lapse");
      const held = await anUnknown(store);
      const running = anAttempt(store);
      await store.records.claim(anyName(), running);
      await store.records.claim(anyName(), anAttempt(store, { into: "claimed" }));
      const done = await anUnknown(store);
      await store.records.complete(done.name, theAnswer(done.attempt, "done"));

      const unknowns = await store.records.list("unknown", 10);
      expect(unknowns.map(({ name }) => name)).toEqual([lapsed.name, held.name]);
      expect(unknowns.map(({ record }) => record)).toMatchObject([
        { state: "unknown", reason: "owner-lost", owner: lapsed.owner },
        { state: "unknown", reason: "upstream-silent", owner: held.owner },
      ]);
      expect(await store.records.list("unknown", 1)).toHaveLength(1);
      expect(await store.records.list("executing", 10)).toMatchObject([{ record: { owner: running.owner } }]);
    });

    test("ends with what was resolved or released", async () => {
      const store = await open();
      const { name, owner, note } = await anUnknown(store);
      const released = await anUnknown(store);
      await store.records.resolve(name, executed(owner), note("executed"));
      await store.records.release(released.name, released.owner);
      expect(await store.records.list("unknown", 10)).toEqual([]);
    });
  });

  test("the records of one key are found in every scope and state", async () => {
    const store = await open();
    const key = anyToken();
    const names = [`${anyToken()}.${key}`, `${anyToken()}.${key}`];
    for (const name of names) await store.records.claim(name, anAttempt(store));
    const attempt = anAttempt(store);
    await store.records.claim(anyName(), attempt);
    await store.records.release(names[0]!, anyOwner());
    expect((await store.records.find(key)).toSorted()).toEqual(names.toSorted());
    expect(await store.records.find(anyToken())).toEqual([]);
    expect(await store.records.names()).toEqual(expect.arrayContaining(names));
  });

  test("the journal tells the newest first, and no more than asked for", async () => {
    const store = await open();
    for (let i = 0; i < 3; i++) {
      const { name, owner, note } = await anUnknown(store);
      await store.records.resolve(name, { owner, verdict: "not-executed" }, note("not-executed"));
    }
    const all = await store.journal.latest(10);
    expect(all).toHaveLength(3);
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted((a, b) => b - a));
    expect(await store.journal.latest(2)).toEqual(all.slice(0, 2));
  });
}
