import { asRead } from "../../src/domain/record.ts";
import { gatewayActs } from "./gateways.ts";
import { deliver } from "./network.ts";
import { operatorActs, upstreamActs } from "./outside.ts";
import { LEASE, TICK, UPSTREAM_ACTS_WITHIN } from "./protocol.ts";
import type { Bounds, Protocol } from "./protocol.ts";
import type { Model } from "./search.ts";
import type { Attempt, Steps, World } from "./state.ts";

/**
 * The protocol of DESIGN, section 10, as a world that can be searched: one key, attempts of several gateways, a network that loses,
 * delays and repeats, gateways that crash or stand still, an upstream that acts late, and an operator. The store's side is not a model:
 * it is the domain's own functions.
 */

export function model(protocol: Protocol, bounds: Bounds): Model<World> {
  const { attempts, ticks, operator } = bounds;
  function* everyStep(world: World): Steps {
    if (world.now < ticks * TICK) yield ["a tick passes", { ...world, now: world.now + TICK }];
    for (const [i] of world.network.entries()) yield* deliver(protocol, world, i);
    for (const [i] of world.attempts.entries()) yield* gatewayActs(protocol, world, i, bounds);
    for (const [i] of world.requests.entries()) yield* upstreamActs(world, i);
    if (operator) yield* operatorActs(protocol, world);
    if (bounds.loss && !world.isLost) yield ["the store loses everything", { ...world, record: null, isLost: true }];
  }
  return {
    initial: {
      now: TICK,
      record: null,
      attempts: Array.from({ length: attempts }, (_, i) => ({
        phase: "new",
        owner: `owner-${i}`,
        firstSentAt: 0,
        deadline: 0,
        goodUntil: 0,
        sent: 0,
      })),
      network: [],
      requests: [],
      acts: [],
      look: null,
      isLost: false,
      overwritten: "",
    },
    *steps(world) {
      for (const [step, next] of everyStep(world)) yield [step, normal(next)];
    },
    violation({ acts, record, isLost, overwritten }) {
      if (overwritten !== "") return overwritten;
      if (acts.length > (isLost ? 2 : 1)) return `executed ${acts.length} times`;
      if (acts.length > 0 && record === null && !isLost) return "executed, and the key is free";
      if (record?.state !== "completed") return undefined;
      const answer = Buffer.from(record.answer).toString();
      return acts.includes(answer) ? undefined : `completed with "${answer}", which the upstream never said`;
    },
    atEnd({ record, attempts: ended, now, acts }) {
      const later = now + LEASE;
      const read = asRead(record ?? undefined, { lease: later, wall: later });
      const alive = ended.every(({ phase }) => phase === "over");
      if (alive && read?.state === "unknown" && acts.length === 0 && !ended.some(wasSent))
        return "unknown, though nothing was ever sent and nobody died";
      return undefined;
    },
  };
}

const wasSent = ({ sent }: Attempt): boolean => sent > 0;

/**
 * States that differ in nothing that matters become one: what nobody waits for any more, the order in the network, and which of
 * two equal attempts is called the first.
 */
function normal(world: World): World {
  const isOver = (i: number): boolean => world.attempts[i]!.phase === "over";
  const attempts = world.attempts.map((attempt, i) =>
    isOver(i) ? { ...attempt, firstSentAt: 0, goodUntil: 0 } : attempt,
  );
  const network = world.network
    .filter((text) => text.endsWith(" ") || world.attempts[Number(text[0])]!.phase === "claiming")
    .toSorted();
  const requests = world.requests.filter(({ state, of, at }) => {
    if (state === "arriving") return world.now <= at + UPSTREAM_ACTS_WITHIN;
    return state === "acted" && world.attempts[of]!.phase === "sent";
  });
  return { ...world, attempts, network, requests };
}
