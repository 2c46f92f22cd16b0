import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Identity, Name } from "../../src/domain/record.ts";
import { toBytes } from "../../src/store/redis/layout.ts";
import { anAttempt, anyName, aRetry, LEASE, theAnswer } from "./operation.ts";
import { redisFixture } from "./redis-fixture.ts";
import type { RedisFixture } from "./redis-fixture.ts";

/** As versions before wrote it: the start in digits, and always a lease, of zeros where the state has none. */
const FORMAT_2 = {
  claimed: { letter: "c", isLeased: true, rest: "" },
  executing: { letter: "e", isLeased: true, rest: "" },
  completed: { letter: "d", isLeased: false, rest: "an answer" },
  unknown: { letter: "u", isLeased: false, rest: "upstream-silent" },
};

describe("a record that an earlier version wrote to Redis", () => {
  let fixture: RedisFixture;
  beforeEach(async () => {
    fixture = await redisFixture();
  });
  afterEach(() => fixture.destroy());

  async function written(state: keyof typeof FORMAT_2) {
    const store = await fixture.open();
    const [name, attempt] = [anyName(), anAttempt(store)];
    const startedAt = store.records.time(name) - 1_000;
    const { letter, isLeased, rest } = FORMAT_2[state];
    const lease = isLeased ? `${startedAt + LEASE}${String(LEASE).padStart(5, "0")}` : "0".repeat(18);
    const head = `2${letter}${lease}${startedAt}`;
    const value = Buffer.concat([Buffer.from(head), identityOf(attempt), Buffer.from(rest)]);
    await fixture.client.set(keyOf(name), value, "PX", 60_000);
    return { store, records: store.records, name, attempt, startedAt, value };
  }

  test.each(["claimed", "executing"] as const)("is in flight where it is %s, and its owner's", async (state) => {
    const { store, records, name, attempt, startedAt } = await written(state);
    const { owner, fingerprint, credential } = attempt;
    const identity = { owner, fingerprint, credential };
    const leased = { leaseUntil: startedAt + LEASE, leaseMs: LEASE };
    expect(await records.read(name)).toEqual({ state, ...identity, startedAt, ...leased });
    expect(await records.claim(name, aRetry(store, attempt))).toEqual({ kind: "in_flight", startedAt });
    expect(await records.claim(name, attempt)).toEqual({ kind: "yours" });
    expect(await records.begin(name, owner, LEASE)).toBe("begun");
    expect(await records.complete(name, theAnswer(attempt, "invoice 1"))).toBe("completed");
    expect(await records.read(name)).toMatchObject({ state: "completed", startedAt, ...identity });
  });

  test("is replayed where it is completed", async () => {
    const { store, records, name, attempt, startedAt } = await written("completed");
    const answer = await records.claim(name, aRetry(store, attempt));
    const { owner, fingerprint, credential } = attempt;
    const record = { state: "completed", owner, fingerprint, credential, startedAt, answer: Buffer.from("an answer") };
    expect(answer).toEqual({ kind: "completed", record });
  });

  test("keeps its reason where it is unknown, and is resolved", async () => {
    const { records, name, attempt, startedAt } = await written("unknown");
    const { owner } = attempt;
    expect(await records.read(name)).toMatchObject({ state: "unknown", reason: "upstream-silent", startedAt });
    expect(await records.look(name, owner, Date.now())).toEqual({ kind: "looked", firstAgoMs: 0 });
    expect(await records.read(name)).toMatchObject({ state: "unknown", reason: "upstream-silent", startedAt });
    const note = { event: "resolved", name, owner, verdict: "not-executed", by: "operator", why: "a test" } as const;
    expect(await records.resolve(name, { owner, verdict: "not-executed" }, note)).toBe("resolved");
    expect(await records.read(name)).toBeUndefined();
  });

  test("is refused where it is cut", async () => {
    const { records, name, value } = await written("executing");
    await fixture.client.set(keyOf(name), value.subarray(0, 80));
    await expect(records.read(name)).rejects.toMatchObject({ fate: "unsent" });
  });
});

function keyOf(name: Name): string {
  return `og:{${name[23]}}:${name}`;
}

function identityOf({ owner, fingerprint, credential }: Identity): Buffer {
  return Buffer.concat([owner, fingerprint, credential].map(toBytes));
}
