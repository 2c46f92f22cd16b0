import { setTimeout as sleep } from "node:timers/promises";
import { Deck, Dice } from "./dice.ts";
import { CLOCK_FAULTS } from "./faults/clock.ts";
import { continuityFaults } from "./faults/continuity.ts";
import type { Fault } from "./faults/fault.ts";
import { gatewayFaults } from "./faults/gateway.ts";
import { storeFaults } from "./faults/store.ts";
import { UPSTREAM_FAULTS } from "./faults/upstream.ts";
import { wireFaults } from "./faults/wire.ts";
import type { History } from "./history.ts";
import { now } from "./limits.ts";
import type { Site } from "./site.ts";
import type { StoreName } from "./store.ts";

/** A lane rests between two faults, so that most operations meet none and some meet several. */
const REST_MS = {
  gateway: [20, 300],
  wire: [200, 2_000],
  store: [500, 3_000],
  upstream: [1_500, 6_000],
  clock: [500, 4_000],
};

/** All that can be injected with this store, in each lane's order of dealing. */
function allFaults(store: StoreName): Fault[] {
  const clocks = CLOCK_FAULTS.filter(({ kind }) => kind !== "store-clock" || store === "redis");
  return [...gatewayFaults(store), ...wireFaults(store), ...storeFaults(store), ...UPSTREAM_FAULTS, ...clocks];
}

/** Every kind with this store: those that a run injects unless told otherwise, and those that it must be told to. */
export function faultKinds(store: StoreName): { usual: string[]; needsContinuity: string[] } {
  const kindsOf = (faults: Fault[]): string[] => [...new Set(faults.map(({ kind }) => kind))];
  return { usual: kindsOf(allFaults(store)), needsContinuity: kindsOf(continuityFaults(store)) };
}

/** Strikes until the time is over; resolves when the last fault is healed. */
export async function torment(
  site: Site,
  { seed, kinds, history, until }: { seed: string; kinds: readonly string[]; history: History; until: number },
): Promise<void> {
  const { name } = site.store;
  const faults = [...allFaults(name), ...continuityFaults(name)].filter(({ kind }) => kinds.includes(kind));
  const posts = [...site.posts.keys()];
  const lane = async (of: Fault["lane"], path: string, candidates: number[]): Promise<void> => {
    const own = faults.filter((fault) => fault.lane === of);
    if (own.length === 0) return;
    const deck = new Deck(own, new Dice(seed, "nemesis", path));
    for (let n = 0; ; n++) {
      const dice = new Dice(seed, "nemesis", path, n); // one for each strike: what it draws changes no later one
      const [from, to] = REST_MS[of];
      await sleep(dice.whole(from!, to!));
      if (now() > until) return;
      const post = site.posts[dice.pick(candidates)]!;
      await deck.deal().strike({ site, post, dice, history });
    }
  };
  await Promise.all([
    ...posts.map((i) => lane("gateway", `gateway-${i}`, [i])),
    lane("wire", "wire", posts),
    lane("store", "store", posts),
    lane("upstream", "upstream", posts),
    lane("clock", "clock", posts),
  ]);
}
