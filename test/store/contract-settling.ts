import { describe, expect, test } from "@jest/globals";
import type { Attempt } from "../../src/domain/claim.ts";
import { UNKNOWN_REASONS } from "../../src/domain/record.ts";
import type { Store } from "../../src/store/records.ts";
import type { Given } from "./contract.ts";
import { anAttempt, anyName, anyOwner, aRetry, LEASE, SECOND, theAnswer } from "./operation.ts";

export function settling({ open, advance }: Given): void {
  const started = async (store: Store, into: Attempt["into"] = "executing") => {
    const name = anyName();
    const attempt = anAttempt(store, { into });
    expect(await store.records.claim(name, attempt)).toEqual({ kind: "claimed" });
    return { name, attempt, owner: attempt.owner };
  };

  describe("an owner", () => {
    test("begins what waited, and is told so again", async () => {
      const store = await open();
      const { name, owner, attempt } = await started(store, "claimed");
      expect(await store.records.begin(name, owner, LEASE)).toBe("begun");
      expect(await store.records.begin(name, owner, LEASE)).toBe("begun");
      expect(await store.records.read(name)).toMatchObject({ state: "executing", ...identity(attempt) });
    });

    test("begins what waited past its lease, if nobody took it, with a new lease", async () => {
      const store = await open();
      const { name, owner, attempt } = await started(store, "claimed");
      await advance(LEASE + SECOND);
      expect(await store.records.begin(name, owner, LEASE)).toBe("begun");
      expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "in_flight" });
    });

    test.each(["claimed", "executing"] as const)("keeps what is %s for as long as it renews in time", async (into) => {
      const store = await open();
      const { name, owner, attempt } = await started(store, into);
      for (let i = 0; i < 4; i++) {
        await advance(LEASE - 5 * SECOND);
        expect(await store.records.renew(name, owner, LEASE)).toBe("renewed");
        expect(await store.records.read(name)).toMatchObject({ state: into, owner });
      }
      expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "in_flight" });
    });

    test("can neither renew nor begin once the lease of what it executes is over", async () => {
      const store = await open();
      const { name, owner } = await started(store);
      await advance(LEASE + SECOND);
      expect(await store.records.renew(name, owner, LEASE)).toBe("lost");
      expect(await store.records.begin(name, owner, LEASE)).toBe("lost");
      expect(await store.records.read(name)).toMatchObject({ state: "unknown", reason: "owner-lost" });
    });

    test("completes what it executes, and is told so again", async () => {
      const store = await open();
      const { name, attempt } = await started(store);
      const before = await store.records.read(name);
      const completion = { ...theAnswer(attempt, "invoice 1"), startedAt: 1 };
      expect(await store.records.complete(name, completion)).toBe("completed");
      expect(await store.records.complete(name, completion)).toBe("completed");
      const record = await store.records.read(name);
      expect(record).toMatchObject({ state: "completed", ...identity(attempt), startedAt: before?.startedAt });
      expect(record).not.toHaveProperty("leaseUntil");
      const retry = await store.records.claim(name, aRetry(store, attempt));
      expect(retry).toEqual({ kind: "completed", record });
      expect(await store.records.claim(name, attempt)).toEqual({ kind: "completed", record });
    });

    test("completes what became unknown, by its lapse or by its own word", async () => {
      const store = await open();
      const lapsed = await started(store);
      await advance(LEASE + SECOND);
      const held = await started(store);
      await store.records.hold(held.name, held.owner, "upstream-silent");
      for (const { name, attempt } of [lapsed, held]) {
        expect(await store.records.complete(name, theAnswer(attempt, "late truth"))).toBe("completed");
        expect(await store.records.read(name)).toMatchObject({ state: "completed" });
        expect(await store.records.read(name)).not.toHaveProperty("reason");
      }
    });

    test("cannot complete what never began", async () => {
      const store = await open();
      const { name, attempt } = await started(store, "claimed");
      const record = await store.records.read(name);
      expect(await store.records.complete(name, theAnswer(attempt, "invoice 1"))).toBe("refused");
      expect(await store.records.read(name)).toEqual(record);
    });

    test("completes also where the store lost the record, and hears of it", async () => {
      const store = await open();
      const name = anyName();
      const lost = anAttempt(store);
      const completion = theAnswer(lost, "invoice 1");
      expect(await store.records.complete(name, completion)).toBe("recreated");
      const { startedAt } = completion;
      expect(await store.records.read(name)).toMatchObject({ state: "completed", ...identity(lost), startedAt });
    });

    test.each(["claimed", "executing", "lapsed", "held"] as const)(
      "releases what is %s: the key is free",
      async (state) => {
        const store = await open();
        const { name, owner, attempt } = await started(store, state === "claimed" ? "claimed" : "executing");
        if (state === "lapsed") await advance(LEASE + SECOND);
        if (state === "held") await store.records.hold(name, owner, "upstream-reset");
        expect(await store.records.release(name, owner)).toMatchObject({ answer: "released" });
        expect(await store.records.read(name)).toBeUndefined();
        expect(await store.records.release(name, owner)).toMatchObject({ answer: "released" });
        expect(await store.records.claim(name, aRetry(store, attempt))).toEqual({ kind: "claimed" });
      },
    );

    test("learns from a release when the store answered, on the clock of deadlines", async () => {
      const store = await open();
      const { name, owner } = await started(store);
      const { at } = await store.records.release(name, owner);
      expect(Math.abs(at - store.records.time(name))).toBeLessThan(5 * SECOND);
    });

    test("holds what it executes as unknown for a reason, and is told so again", async () => {
      const store = await open();
      for (const reason of UNKNOWN_REASONS) {
        const { name, owner, attempt } = await started(store);
        expect(await store.records.hold(name, owner, reason)).toBe("held");
        expect(await store.records.hold(name, owner, reason)).toBe("held");
        const record = await store.records.read(name);
        expect(record).toEqual({ state: "unknown", ...identity(attempt), startedAt: expect.any(Number), reason });
        expect(await store.records.claim(name, aRetry(store, attempt))).toEqual({ kind: "unknown", record });
        expect(await store.records.begin(name, owner, LEASE)).toBe("lost");
        expect(await store.records.renew(name, owner, LEASE)).toBe("lost");
      }
    });

    test("can neither hold what never began nor hold or release what is completed", async () => {
      const store = await open();
      const waiting = await started(store, "claimed");
      expect(await store.records.hold(waiting.name, waiting.owner, "shutdown")).toBe("refused");
      expect(await store.records.read(waiting.name)).toMatchObject({ state: "claimed" });

      const { name, owner, attempt } = await started(store);
      await store.records.complete(name, theAnswer(attempt, "invoice 1"));
      const record = await store.records.read(name);
      expect(await store.records.hold(name, owner, "shutdown")).toBe("refused");
      expect(await store.records.release(name, owner)).toMatchObject({ answer: "refused" });
      expect(await store.records.begin(name, owner, LEASE)).toBe("lost");
      expect(await store.records.renew(name, owner, LEASE)).toBe("lost");
      expect(await store.records.read(name)).toEqual(record);
    });

    test("of nothing begins, renews and holds nothing", async () => {
      const store = await open();
      const name = anyName();
      expect(await store.records.begin(name, anyOwner(), LEASE)).toBe("lost");
      expect(await store.records.renew(name, anyOwner(), LEASE)).toBe("lost");
      expect(await store.records.hold(name, anyOwner(), "shutdown")).toBe("refused");
      expect(await store.records.release(name, anyOwner())).toMatchObject({ answer: "released" });
      expect(await store.records.read(name)).toBeUndefined();
    });
  });

  describe("a holder's operation that is revoked", () => {
    test("is free where it had not begun, and its owner cannot begin it", async () => {
      const store = await open();
      const { name, owner } = await started(store, "claimed");
      expect(await store.records.revoke(name, owner)).toBe("revoked");
      expect(await store.records.revoke(name, owner)).toBe("revoked");
      expect(await store.records.read(name)).toBeUndefined();
      expect(await store.records.begin(name, owner, LEASE)).toBe("lost");
    });

    test("is unknown where it had begun, however good its lease, until its owner says more", async () => {
      const store = await open();
      const { name, owner, attempt } = await started(store);
      expect(await store.records.revoke(name, owner)).toBe("revoked");
      const record = await store.records.read(name);
      expect(record).toMatchObject({ state: "unknown", reason: "owner-lost", ...identity(attempt) });
      expect(await store.records.countUnknown()).toBe(1);
      expect(await store.records.renew(name, owner, LEASE)).toBe("lost");
      expect(await store.records.revoke(name, owner)).toBe("revoked");
      expect(await store.records.read(name)).toEqual(record);
      expect(await store.records.complete(name, theAnswer(attempt, "late truth"))).toBe("completed");
    });

    test.each(["absent", "held", "completed", "another's"] as const)("stays as it is where it is %s", async (state) => {
      const store = await open();
      const { name, owner, attempt } = await started(store);
      if (state === "absent") await store.records.release(name, owner);
      if (state === "held") await store.records.hold(name, owner, "upstream-silent");
      if (state === "completed") await store.records.complete(name, theAnswer(attempt, "invoice 1"));
      const record = await store.records.read(name);
      expect(await store.records.revoke(name, state === "another's" ? anyOwner() : owner)).toBe("revoked");
      expect(await store.records.read(name)).toEqual(record);
    });
  });

  test.each(["claimed", "executing", "lapsed", "held", "completed"] as const)(
    "a stale owner is refused on every verb where the record is %s, and changes nothing",
    async (state) => {
      const store = await open();
      const { name, owner, attempt } = await started(store, state === "claimed" ? "claimed" : "executing");
      if (state === "lapsed") await advance(LEASE + SECOND);
      if (state === "held") await store.records.hold(name, owner, "upstream-silent");
      if (state === "completed") await store.records.complete(name, theAnswer(attempt, "invoice 1"));
      const record = await store.records.read(name);
      const stale = aRetry(store, attempt);
      expect(await store.records.begin(name, stale.owner, LEASE)).toBe("lost");
      expect(await store.records.renew(name, stale.owner, LEASE)).toBe("lost");
      expect(await store.records.complete(name, theAnswer(stale, "invoice 2"))).toBe("refused");
      expect(await store.records.release(name, stale.owner)).toMatchObject({ answer: "refused" });
      expect(await store.records.hold(name, stale.owner, "shutdown")).toBe("refused");
      expect(await store.records.read(name)).toEqual(record);
    },
  );
}

const identity = ({ owner, fingerprint, credential }: Attempt) => ({ owner, fingerprint, credential });
