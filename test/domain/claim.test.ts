import { describe, expect, test } from "@jest/globals";
import { decideClaim, LONGEST_CLAIM } from "../../src/domain/claim.ts";
import type { Attempt } from "../../src/domain/claim.ts";
import type { StoredRecord } from "../../src/domain/record.ts";

/** To the millisecond, which no real store's clock allows; everything else is in test/store/contract.ts. */
describe("the instant at which", () => {
  const now = { lease: 1_000_000, wall: 5 };
  const identity = { owner: "owner", fingerprint: "print", credential: "credential" };
  const attempt = (deadline: number): Attempt => ({
    ...identity,
    owner: "another",
    into: "executing",
    leaseMs: 10,
    deadline,
    keepMs: 10,
  });
  const record = (state: "claimed" | "executing", leaseUntil: number): StoredRecord => ({
    state,
    ...identity,
    startedAt: 1,
    leaseUntil,
    leaseMs: 10,
  });

  test.each([
    [now.lease, "too_late"],
    [now.lease + 1, "claimed"],
    [now.lease + LONGEST_CLAIM, "claimed"],
    [now.lease + LONGEST_CLAIM + 1, "too_late"],
  ])("a claim is late: with deadline %d it is %s", (deadline, kind) => {
    expect(decideClaim(undefined, attempt(deadline), now).answer).toEqual({ kind });
  });

  test.each([
    [now.lease, "claimed", "unknown"],
    [now.lease + 1, "in_flight", "in_flight"],
    [now.lease + 10, "in_flight", "in_flight"],
    [now.lease + 11, "claimed", "unknown"],
  ])("a lease is over: until %d another owner meets %s where it waits, %s where it executes", (until, ...kinds) => {
    const meets = (state: "claimed" | "executing") =>
      decideClaim(record(state, until), attempt(now.lease + 1), now).answer.kind;
    expect([meets("claimed"), meets("executing")]).toEqual(kinds);
  });
});
