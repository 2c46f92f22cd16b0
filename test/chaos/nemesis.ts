import { setTimeout as sleep } from "node:timers/promises";
import { Calm } from "./calm.ts";
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

/**
 * A lane rests between two faults, so that most operations meet none and some meet several. After each restart of Redis nothing
 * is started for 5 s, and what was lost is checked no further: so the store is well and keeps everything most of the time.
 */
const REST_MS = {
  gateway: [20, 300],
  wire: [200, 2_000],
  store: [1_500, 6_000],
  loss: [5_000, 60_000],
  upstream: [1_500, 6_000],
  clock: [500, 4_000],
};

/** What keeps gateways from looking, and what has the store in hand itself. */
const NEVER_IN_A_LOSS: ReadonlySet<Fault["lane"]> = new Set(["gateway", "wire", "store"]);

/** All that can be injected with this store, in each lane's order of dealing. */
function allFaults(store: StoreName): Fault[] {
  const clocks = CLOCK_FAULTS.filter(({ kind }) => kind !== "store-clock" || store === "redis");
  const ofStore = [...storeFaults(store), ...continuityFaults(store)];
  return [...gatewayFaults(store), ...wireFaults(store), ...ofStore, ...UPSTREAM_FAULTS, ...clocks];
}

/** Every kind with this store. */
export function faultKinds(store: StoreName): string[] {
  return [...new Set(allFaults(store).map(({ kind }) => kind))];
}

/** Strikes until the time is over; resolves when the last fault is healed. */
export async function torment(
  site: Site,
  { seed, kinds, history, until }: { seed: string; kinds: readonly string[]; history: History; until: number },
): Promise<void> {
  const { name } = site.store;
  const calm = new Calm();
  const faults = allFaults(name).filter(({ kind }) => kinds.includes(kind));
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
      const fault = deck.deal();
      const strike = (): Promise<void> => fault.strike({ site, post, dice, history, calm });
      await (NEVER_IN_A_LOSS.has(fault.lane) ? calm.among(strike) : strike());
    }
  };
  await Promise.all([
    ...posts.map((i) => lane("gateway", `gateway-${i}`, [i])),
    lane("wire", "wire", posts),
    lane("store", "store", posts),
    lane("loss", "loss", posts),
    lane("upstream", "upstream", posts),
    lane("clock", "clock", posts),
  ]);
}
