import { Dice } from "./dice.ts";
import { CLIENT_WAIT_MS, KEPT_BYTES } from "./limits.ts";
import { MISCHIEVOUS, PLAIN } from "./upstream/behaviour.ts";
import type { Behaviour } from "./upstream/behaviour.ts";

/** When a client leaves its first attempt: a phase of its request or of its answer. */
export const LEAVINGS = ["at-connect", "in-head", "in-body", "behind-body", "at-answer", "in-answer"] as const;
export type Leaving = (typeof LEAVINGS)[number];

/** What a client does with its key once it saw a 2xx. */
const SEQUELS = ["again", "other-body", "other-credential", "other-tenant"] as const;
export type Sequel = (typeof SEQUELS)[number];

/** One intent of a client and how it goes about it. */
export type Operation = {
  tenant: string;
  key: string;
  body: string;
  /** What the upstream does with the first attempt that reaches it, with the second, ...; the last for all further ones. */
  behaviours: Behaviour[];
  leaves: { phase: Leaving; afterMs: number } | undefined;
  /** How many send the first attempt at once. */
  racers: number;
  sequels: Sequel[];
};

const TENANTS = ["acme", "globex", "initech", "umbrella"];

/** What is done to clients and by the upstream; without them a run has nothing unknown. */
export type Mischief = { upstream: boolean; leaving: boolean };

/** The nth operation of a client under this seed; always the same. */
export function operation(seed: string, client: number, n: number, mischief: Mischief): Operation {
  const dice = new Dice(seed, "operation", client, n);
  const tenant = dice.pick(TENANTS);
  // Each key is one client's, except that its neighbour in another scope uses it too ("other-tenant").
  const key = `key-${client}-${n}`;
  const body = JSON.stringify({
    customer: tenant,
    number: `${client}-${n}`,
    filling: "x".repeat(dice.whole(0, 2_000)),
  });
  const first = behaviour(dice, mischief);
  const behaviours = first.kind === "declines" ? [first, behaviour(dice, mischief), PLAIN] : [first, PLAIN];
  const leaves =
    mischief.leaving && dice.chance(0.25) ? { phase: dice.pick(LEAVINGS), afterMs: dice.whole(0, 300) } : undefined;
  const racers = dice.chance(0.3) ? dice.whole(2, 4) : 1;
  const sequels = dice.shuffled(SEQUELS).slice(0, dice.chance(0.4) ? dice.whole(1, 3) : 0);
  return { tenant, key, body, behaviours, leaves, racers, sequels };
}

export const otherTenant = (tenant: string): string => TENANTS[(TENANTS.indexOf(tenant) + 1) % TENANTS.length]!;

function behaviour(dice: Dice, { upstream }: Mischief): Behaviour {
  const afterMs = dice.chance(0.6) ? dice.whole(0, 60) : dice.whole(60, 1.5 * CLIENT_WAIT_MS);
  const bytes = dice.chance(0.05) ? 2 * KEPT_BYTES : dice.whole(1, 4_000);
  const harmless = dice.chance(0.1) ? "declines" : "answers";
  const kind = dice.chance(upstream ? 0.1 : 0) ? dice.pick(MISCHIEVOUS) : harmless;
  const status = kind === "declines" ? dice.pick([422, 429, 503, 400]) : dice.pick([200, 201, 201, 201, 202]);
  return { kind, status, afterMs, bytes };
}
