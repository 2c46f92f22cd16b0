import { describe, expect, test } from "@jest/globals";
import { decideClaim } from "../../src/domain/claim.ts";
import { isSame, stand, standingOf } from "../../src/domain/original.ts";
import type { Original } from "../../src/domain/original.ts";
import { asRead } from "../../src/domain/record.ts";
import type { StoredRecord } from "../../src/domain/record.ts";
import { begin, complete, release, revoke } from "../../src/domain/settlement.ts";
import { search } from "./search.ts";
import type { Model } from "./search.ts";

/** Attempts 0 and 2 have one key, attempt 1 another; all ask for the same. Each may die anywhere, or stand still for as long as it likes. */
const KEY_OF = [0, 1, 0];
const LEASE = 1;
const LAST = 3;
/** More states than this world has. */
const MOST = 3_000_000;

type Phase = "new" | "claimed" | "looking" | "revoking" | "first" | "begun" | "sent" | "released" | "over";
type Attempt = { phase: Phase; instead: Original | null; by: Original | null; goodUntil: number };
type World = {
  now: number;
  records: (StoredRecord | null)[];
  original: Original | null;
  attempts: Attempt[];
  /** Words of attempts about their place that may still arrive. */
  late: string[];
  acts: number;
};
type Protocol = { standingOf: typeof standingOf; stand: typeof stand; isSame: typeof isSame; asksToBegin: boolean };
const PROTOCOL: Protocol = { standingOf, stand, isSame, asksToBegin: true };

const ownOf = (i: number): Original => ({ name: `key-${KEY_OF[i]}`, owner: `owner-${i}` });

function model(protocol: Protocol): Model<World> {
  function* steps(world: World): Generator<[string, World]> {
    const { now, records, attempts, late } = world;
    const clock = { lease: now, wall: now };
    if (now < LAST) yield ["a tick passes", { ...world, now: now + 1 }];
    const recordOf = ({ name }: Original): StoredRecord | undefined => records[Number(name.at(-1))] ?? undefined;
    const stored = (i: number, next: StoredRecord | "absent" | undefined): Partial<World> =>
      next === undefined ? {} : { records: records.with(KEY_OF[i]!, next === "absent" ? null : next) };
    const to = (i: number, attempt: Partial<Attempt>, rest: Partial<World> = {}): World => ({
      ...world,
      ...rest,
      attempts: attempts.with(i, { ...attempts[i]!, ...attempt }),
    });
    for (const [at, word] of late.entries()) {
      const [verb, of] = word.split(" ");
      const own = ownOf(Number(of));
      const rest = { ...world, late: late.toSpliced(at, 1) };
      const isOwn = world.original !== null && protocol.isSame(world.original, own);
      if (verb === "keep") yield [`late: ${word}`, { ...rest, original: isOwn ? null : world.original }];
      else {
        const said = protocol.stand(world.original ?? undefined, { own, instead: undefined });
        yield [`late: ${word}`, { ...rest, original: said.kind === "stands" ? own : world.original }];
      }
    }
    for (const [i, { phase, instead, by, goodUntil }] of attempts.entries()) {
      const own = ownOf(i);
      const mine = recordOf(own);
      switch (phase) {
        case "new": {
          const attempt = { ...own, fingerprint: "f", credential: "c", into: "claimed" as const, leaseMs: LEASE };
          const said = decideClaim(mine, { ...attempt, deadline: now + 1, keepMs: 0 }, clock);
          const next = said.next && { ...said.next };
          const isClaimed = said.answer.kind === "claimed";
          yield [
            `${i} claims`,
            to(i, { phase: isClaimed ? "claimed" : "over", goodUntil: now + LEASE }, stored(i, next)),
          ];
          break;
        }
        case "claimed": {
          const said = protocol.stand(world.original ?? undefined, { own, instead: instead ?? undefined });
          if (said.kind === "taken") yield [`${i} is told who stands`, to(i, { phase: "looking", by: said.by })];
          else yield [`${i} stands`, to(i, { phase: "first" }, { original: own })];
          if (late.length < 1)
            yield [
              `${i}'s word is late, and it gives up`,
              to(i, { phase: "released" }, { late: [...late, `stand ${i}`] }),
            ];
          break;
        }
        case "looking": {
          const found = protocol.standingOf(by!, asRead(recordOf(by!), clock), now);
          if (found.kind === "stands") yield [`${i} is a duplicate`, to(i, { phase: "released" })];
          if (found.kind === "gone") yield [`${i} finds it gone`, to(i, { phase: "claimed", instead: by })];
          if (found.kind === "lapsed") yield [`${i} finds it lapsed`, to(i, { phase: "revoking" })];
          break;
        }
        case "revoking": {
          const { next } = revoke(recordOf(by!), by!.owner, clock);
          const changed =
            next === undefined
              ? {}
              : { records: records.with(Number(by!.name.at(-1)), next === "absent" ? null : next) };
          yield [`${i} revokes`, to(i, { phase: "claimed", instead: null }, changed)];
          break;
        }
        case "first": {
          const { answer, next } = begin(mine, own.owner, LEASE, clock);
          if (!protocol.asksToBegin) yield [`${i} begins unasked`, to(i, { phase: "begun", goodUntil: now + LEASE })];
          else if (answer === "lost") yield [`${i} has lost it`, to(i, { phase: "released" })];
          // Whatever its own clock says: the record alone must keep it from beginning.
          else yield [`${i} begins`, to(i, { phase: "begun", goodUntil: now + LEASE }, stored(i, next))];
          break;
        }
        case "begun":
          if (now < goodUntil) yield [`${i} sends, and it is done`, to(i, { phase: "sent" }, { acts: world.acts + 1 })];
          yield [`${i} sends, and it did not begin`, to(i, { phase: "released" })];
          break;
        case "sent": {
          const completion = {
            ...own,
            fingerprint: "f",
            credential: "c",
            startedAt: 0,
            answer: new Uint8Array(),
            retentionMs: 0,
          };
          yield [`${i} completes`, to(i, { phase: "over" }, stored(i, complete(mine, completion, clock).next))];
          break;
        }
        case "over":
          break;
        case "released": {
          const { next } = release(mine, own.owner);
          const words = late.length < 1 ? [...late, `keep ${i}`] : late;
          yield [`${i} releases`, to(i, { phase: "over" }, { ...stored(i, next), late: words })];
        }
      }
    }
  }
  return {
    initial: {
      now: 0,
      records: [null, null],
      original: null,
      attempts: KEY_OF.map(() => ({ phase: "new", instead: null, by: null, goodUntil: 0 })),
      late: [],
      acts: 0,
    },
    steps,
    violation: ({ acts }) => (acts > 1 ? `executed ${acts} times` : undefined),
    atEnd({ original, records }) {
      if (original === null) return undefined;
      const later = LAST + LEASE;
      const stored = records[Number(original.name.at(-1))] ?? undefined;
      const found = standingOf(original, asRead(stored, { lease: later, wall: later }), later);
      const blocks =
        found.kind === "stands" && (found.record.state === "claimed" || found.record.state === "executing");
      return blocks ? "it is in flight for ever" : undefined;
    },
  };
}

test("in every order of events, of three attempts at the same under two keys one is executed, and none blocks the others for ever", () => {
  expect(search(model(PROTOCOL), MOST)).toEqual({
    kind: "holds",
    states: expect.any(Number),
    ends: expect.any(Number),
  });
}, 300_000);

describe("the search finds what goes wrong with", () => {
  const UNSAFE: [string, Partial<Protocol>][] = [
    [
      "a lapsed original that is taken for gone, and not revoked",
      {
        standingOf(...given) {
          const found = standingOf(...given);
          return found.kind === "lapsed" ? { kind: "gone" } : found;
        },
      },
    ],
    [
      "an unknown original that is taken for gone",
      {
        standingOf(...given) {
          const found = standingOf(...given);
          return found.kind === "stands" && found.record.state === "unknown" ? { kind: "gone" } : found;
        },
      },
    ],
    [
      "a place that is taken without comparing who stands there",
      { stand: (current, { own, instead }) => stand(instead === undefined ? current : undefined, { own, instead }) },
    ],
    ["a place that is let go for another", { isSame: () => true }],
    ["a first byte that the record was not asked for", { asksToBegin: false }],
  ];
  test.each(UNSAFE)("%s", (_what, unsafe) => {
    const found = search(model({ ...PROTOCOL, ...unsafe }), MOST);
    expect(found).toMatchObject({ kind: "violated", what: expect.any(String) });
  });
});
