import * as fc from "fast-check";
import { FATES } from "./pipeline-ledger.ts";
import type { Fate } from "./pipeline-ledger.ts";
import type { Cut } from "./pipeline-link.ts";

/** What a client asks for. Equal numbers are equal things: the key, whose scope, which of its credentials, which body. */
export type Ask = {
  gateway: number;
  key: number;
  scope: number;
  credential: number;
  body: number;
  /** `Prefer: wait`, in seconds; 0: not sent. */
  waits: number;
  fate: Fate;
};

/** Messages between gateways and store; requests to the store that come late; messages between gateways and API. */
export type LaneName = "store" | "strays" | "api";

export type Step =
  | { do: "ask"; ask: Ask }
  /** So many messages of that lane arrive, any of those under way. */
  | { do: LaneName; count: number }
  /** Time passes, and no message arrives. */
  | { do: "pass"; ms: number }
  /** Time passes, and the store answers at once; the API works on what it has. */
  | { do: "run"; ms: number }
  /** The connections to the store break: all gateways', or that one's. */
  | { do: "cut"; gateway: number | "all"; requests: Cut }
  | { do: "down" | "up" | "crash"; gateway: number }
  /** The client of that request leaves. */
  | { do: "leave"; client: number }
  /** A person looks at everything that is unknown and says what the API's book has of it; `tooEarly`: without what still runs. */
  | { do: "resolve"; tooEarly: boolean };

export const GATEWAYS = 3;

/** Mostly the first of them: what is at stake happens between requests of one key. */
const mostly = (most: number, others: number) =>
  fc.oneof({ weight: most, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(others) });
const gateway = fc.nat(GATEWAYS - 1);

const ask: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("ask" as const),
  ask: fc.record({
    gateway,
    key: mostly(6, 1),
    scope: mostly(8, 1),
    credential: mostly(8, 1),
    body: mostly(8, 1),
    waits: fc.constantFrom(0, 0, 1, 4),
    fate: fc.oneof(
      { weight: 3, arbitrary: fc.constant("stored" as const) },
      { weight: 4, arbitrary: fc.constantFrom(...FATES) },
    ),
  }),
});

const run = fc.record({ do: fc.constant("run" as const), ms: fc.constantFrom(60, 150, 450, 1_100, 3_500, 6_000) });
const cut = fc.record({
  do: fc.constant("cut" as const),
  gateway: fc.oneof(gateway, fc.constant("all" as const)),
  requests: fc.constantFrom("lost" as const, "late" as const, "twice" as const),
});

const resolve = fc.record({
  do: fc.constant("resolve" as const),
  tooEarly: fc.constantFrom(false, false, true),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: ask },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("store" as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("api" as const), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("strays" as const), count: fc.integer({ min: 1, max: 2 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(60, 150, 450, 1_100, 1_600, 3_500) }),
  },
  { weight: 4, arbitrary: run },
  { weight: 3, arbitrary: cut },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("down" as const, "up" as const), gateway }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), gateway }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), client: fc.nat(5) }) },
  { weight: 2, arbitrary: resolve },
);

/** A claim whose fate is unclear, and what its gateway does about that. By chance alone it would be rare. */
const unclear = fc.tuple(ask, cut, run);

const passing = (...ms: number[]) => fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(...ms) });
const arriving = (lane: LaneName, count: number) => fc.constant<Step>({ do: lane, count });

/**
 * A gateway that hears of its claim or renewal so late, and then reaches neither store nor API for so long, that another one has
 * the key before it could send. The moment in which it must not is the time that a reply was under way.
 */
const stalled = fc
  .tuple(
    fc.tuple(ask, arriving("store", 1), passing(60, 280, 350)),
    fc.tuple(arriving("store", 1), passing(60, 150, 280)),
    fc.tuple(fc.oneof(arriving("store", 1), arriving("api", 1)), passing(600, 750, 860)),
    fc.tuple(resolve, ask, arriving("store", 6), arriving("api", 2)),
  )
  .map((scenes) => scenes.flat());

/** Something is asked, then anything happens, in any order. */
export const script: fc.Arbitrary<Step[]> = fc
  .tuple(
    ask,
    fc.array(
      fc.oneof(
        { weight: 12, arbitrary: fc.tuple(step) },
        { weight: 1, arbitrary: unclear },
        { weight: 1, arbitrary: stalled },
      ),
      { maxLength: 25, size: "max" },
    ),
  )
  .map(([first, others]) => [first, ...others.flat()]);
