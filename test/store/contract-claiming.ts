import { describe, expect, test } from "@jest/globals";
import { LONGEST_CLAIM } from "../../src/domain/claim.ts";
import type { Given } from "./contract.ts";
import { anAttempt, anyName, anyOwner, anyToken, aRetry, DAY, LEASE, SECOND, theAnswer } from "./operation.ts";

export function claiming({ open, advance }: Given): void {
  describe("a claim", () => {
    test.each(["claimed", "executing"] as const)("of a free key makes its sender the owner, into %s", async (into) => {
      const store = await open();
      const name = anyName();
      const attempt = anAttempt(store, { into });
      expect(await store.records.claim(name, attempt)).toEqual({ kind: "claimed" });
      const { owner, fingerprint, credential } = attempt;
      expect(await store.records.read(name)).toEqual({
        state: into,
        owner,
        fingerprint,
        credential,
        startedAt: expect.any(Number),
        leaseUntil: expect.any(Number),
        leaseMs: LEASE,
      });
    });

    test("is given to exactly one of 200 that arrive at once on two handles", async () => {
      const [one, two] = [await open(), await open()];
      const name = anyName();
      const first = anAttempt(one);
      const attempts = Array.from({ length: 200 }, () => aRetry(one, first));
      const answers = await Promise.all(
        attempts.map((attempt, i) => (i % 2 === 0 ? one : two).records.claim(name, attempt)),
      );
      expect(answers.filter(({ kind }) => kind === "claimed")).toHaveLength(1);
      expect(answers.filter(({ kind }) => kind === "in_flight")).toHaveLength(199);
      const winner = attempts[answers.findIndex(({ kind }) => kind === "claimed")];
      expect(await two.records.read(name)).toMatchObject({ state: "executing", owner: winner?.owner });
    });

    test.each(["claimed", "executing"] as const)(
      "of a key that is %s says since when it is in flight",
      async (into) => {
        const store = await open();
        const name = anyName();
        const first = anAttempt(store, { into });
        await store.records.claim(name, first);
        const record = await store.records.read(name);
        const answer = await store.records.claim(name, aRetry(store, first));
        expect(answer).toEqual({ kind: "in_flight", startedAt: record?.startedAt });
        expect(await store.records.read(name)).toEqual(record);
      },
    );

    test("of one key does not touch another, not even one that differs only in case, '-' or '_'", async () => {
      const store = await open();
      const names = ["a".repeat(22), "A".repeat(22), "-_".repeat(11), "_-".repeat(11), "--".repeat(11)].flatMap(
        (half, _, halves) => halves.map((other) => `${half}.${other}`),
      );
      for (const name of names)
        expect([name, await store.records.claim(name, anAttempt(store))]).toEqual([name, { kind: "claimed" }]);
      for (const name of names) expect([name, (await store.records.read(name))?.state]).toEqual([name, "executing"]);
    });

    test.each(["claimed", "executing"] as const)(
      "sent again into %s answers yours and renews the lease",
      async (into) => {
        const store = await open();
        const name = anyName();
        const attempt = anAttempt(store, { into });
        await store.records.claim(name, attempt);
        await advance(LEASE - 5 * SECOND);
        expect(await store.records.claim(name, attempt)).toEqual({ kind: "yours" });
        await advance(LEASE - 5 * SECOND);
        expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "in_flight" });
      },
    );

    test("that waited does not fall back when sent again after begin", async () => {
      const store = await open();
      const name = anyName();
      const attempt = anAttempt(store, { into: "claimed" });
      await store.records.claim(name, attempt);
      await store.records.begin(name, attempt.owner, LEASE);
      expect(await store.records.claim(name, attempt)).toEqual({ kind: "yours" });
      expect(await store.records.read(name)).toMatchObject({ state: "executing" });
    });

    test.each([
      ["that arrives after its deadline", -1],
      ["whose deadline lies further ahead than any claim's", LONGEST_CLAIM + 60 * SECOND],
    ])("%s takes nothing", async (_, ahead) => {
      const store = await open();
      const name = anyName();
      const late = anAttempt(store, { deadline: store.records.time(name) + ahead });
      expect(await store.records.claim(name, late)).toEqual({ kind: "too_late" });
      expect(await store.records.read(name)).toBeUndefined();

      const waiting = anAttempt(store, { into: "claimed" });
      await store.records.claim(name, waiting);
      await advance(LEASE + SECOND);
      expect(await store.records.claim(name, late)).toEqual({ kind: "too_late" });
      expect(await store.records.read(name)).toMatchObject({ state: "claimed", owner: waiting.owner });
    });

    test.each(["claimed", "executing"] as const)(
      "sent again after its deadline is still yours while %s",
      async (into) => {
        const store = await open();
        const name = anyName();
        const attempt = anAttempt(store, { into });
        await store.records.claim(name, attempt);
        const late = { ...attempt, deadline: store.records.time(name) - 1 };
        expect(await store.records.claim(name, late)).toEqual({ kind: "yours" });
      },
    );

    test("after its deadline still hears of a record that stands", async () => {
      const store = await open();
      const name = anyName();
      const first = anAttempt(store);
      const late = aRetry(store, first, { deadline: store.records.time(name) - 1 });
      await store.records.claim(name, first);
      expect(await store.records.claim(name, late)).toMatchObject({ kind: "in_flight" });
      await store.records.complete(name, theAnswer(first, "invoice 1"));
      expect(await store.records.claim(name, late)).toMatchObject({ kind: "completed" });
    });

    test("with another fingerprint is a mismatch in every state, and changes none", async () => {
      const store = await open();
      const name = anyName();
      const first = anAttempt(store, { into: "claimed" });
      const { owner } = first;
      const meetsMismatch = async () => {
        const record = await store.records.read(name);
        const other = anAttempt(store, { fingerprint: anyToken() });
        expect(await store.records.claim(name, other)).toEqual({ kind: "mismatch", startedAt: record?.startedAt });
        expect(await store.records.read(name)).toEqual(record);
      };
      await store.records.claim(name, first);
      await meetsMismatch();
      await store.records.begin(name, owner, LEASE);
      await meetsMismatch();
      await advance(LEASE + SECOND);
      await meetsMismatch();
      await store.records.hold(name, owner, "upstream-silent");
      await meetsMismatch();
      await store.records.complete(name, theAnswer(first, "invoice 1"));
      await meetsMismatch();
    });

    test("takes over one that waits and whose lease is over, whatever it asked for", async () => {
      const store = await open();
      for (const differing of [{}, { fingerprint: anyToken() }, { credential: anyToken() }]) {
        const name = anyName();
        const first = anAttempt(store, { into: "claimed" });
        await store.records.claim(name, first);
        await advance(LEASE + SECOND);
        const next = aRetry(store, first, differing);
        expect(await store.records.claim(name, next)).toEqual({ kind: "claimed" });
        const { owner, fingerprint, credential } = next;
        expect(await store.records.read(name)).toMatchObject({ state: "executing", owner, fingerprint, credential });
        expect(await store.records.begin(name, first.owner, LEASE)).toBe("lost");
      }
    });

    test("never takes over one that executes: it reads as unknown when its lease is over, also 29 days later", async () => {
      const store = await open();
      const name = anyName();
      const first = anAttempt(store);
      await store.records.claim(name, first);
      for (const ms of [LEASE + SECOND, DAY, 28 * DAY]) {
        await advance(ms);
        const record = await store.records.read(name);
        expect(record).toMatchObject({ state: "unknown", reason: "owner-lost", owner: first.owner });
        expect(await store.records.claim(name, aRetry(store, first))).toEqual({ kind: "unknown", record });
        expect(await store.records.claim(name, first)).toEqual({ kind: "unknown", record });
      }
    });

    test("counts as lapsed when its lease ends further ahead than it is long, as after a clock that ran backwards", async () => {
      const store = await open();
      const [waiting, executing] = [anyName(), anyName()];
      const attempt = anAttempt(store);
      await store.records.claim(waiting, anAttempt(store, { into: "claimed" }));
      await store.records.claim(executing, attempt);
      await advance(-5 * SECOND);
      expect(await store.records.renew(executing, attempt.owner, LEASE)).toBe("lost");
      expect(await store.records.read(executing)).toMatchObject({ state: "unknown", reason: "owner-lost" });
      expect(await store.records.claim(waiting, anAttempt(store))).toEqual({ kind: "claimed" });
      // What counts and lists may lag until it is met again.
      expect(await store.records.claim(executing, aRetry(store, attempt))).toMatchObject({ kind: "unknown" });
      expect(await store.records.countUnknown()).toBe(1);
      expect(await store.records.list("unknown", 10)).toMatchObject([{ name: executing }]);
    });

    test("of 200 that meet a lapsed one at once is given to exactly one", async () => {
      const [one, two] = [await open(), await open()];
      const name = anyName();
      const first = anAttempt(one, { into: "claimed", owner: anyOwner() });
      await one.records.claim(name, first);
      await advance(LEASE + SECOND);
      const kinds = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const answer = await (i % 2 === 0 ? one : two).records.claim(name, aRetry(one, first));
          return answer.kind;
        }),
      );
      expect(kinds.filter((kind) => kind === "claimed")).toHaveLength(1);
      expect(kinds.filter((kind) => kind === "in_flight")).toHaveLength(199);
    });
  });
}
