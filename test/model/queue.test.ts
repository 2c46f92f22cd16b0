import { describe, expect, test } from "@jest/globals";
import { enter } from "../../src/domain/turn.ts";
import { PROTOCOL } from "./queue-protocol.ts";
import type { Bounds, Protocol } from "./queue-protocol.ts";
import { queueModel } from "./queue-world.ts";
import { search } from "./search.ts";

/** More states than any of these worlds has. */
const MOST = 1_500_000;

const TWO: Bounds = { operations: 2, ticks: 3, renewals: false, copies: 1 };
const RENEWING: Bounds = { ...TWO, renewals: true };

describe("in every order of events, no operation on a document is sent while another one runs, nor after its turn was taken, with", () => {
  test.each([
    ["two operations whose messages are lost and late, and that may die anywhere", TWO],
    ["two operations that renew their turns", RENEWING],
  ])(
    "%s",
    (_world, bounds) => {
      const found = search(queueModel(PROTOCOL, bounds), MOST);
      expect(found).toEqual({ kind: "holds", states: expect.any(Number), ends: expect.any(Number) });
    },
    300_000,
  );
});

describe("the search finds what goes wrong with", () => {
  const UNSAFE: [string, Partial<Protocol>, Bounds][] = [
    [
      "a first byte without a look at the turn's lease",
      { maySend: (now, _turnUntil, recordUntil) => now < recordUntil },
      TWO,
    ],
    [
      "a turn that is taken before its holder's operation is revoked",
      { enter: (line, entry, now) => enter(line, { ...entry, after: line.holder?.owner }, now) },
      TWO,
    ],
    ["a holder's operation that is let run", { revoke: () => ({ answer: "revoked" }) }, TWO],
    ["a lease that counts from when it was heard of", { countsFrom: (_sentAt, heardAt) => heardAt }, TWO],
    ["a renewal that counts for a turn that was over", { mayCarryOn: () => true }, RENEWING],
    ["a place that is believed to be left at once", { leftAt: () => 0 }, TWO],
  ];

  test.each(UNSAFE)(
    "%s",
    (_what, unsafe, bounds) => {
      const found = search(queueModel({ ...PROTOCOL, ...unsafe }, bounds), MOST);
      expect(found).toMatchObject({ kind: "violated", what: expect.any(String) });
    },
    300_000,
  );
});
