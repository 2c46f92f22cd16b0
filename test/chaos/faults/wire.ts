import { setTimeout as sleep } from "node:timers/promises";
import type { FaultProxy } from "../../support/fault-proxy.ts";
import type { StoreName } from "../store.ts";
import type { Fault, Scene } from "./fault.ts";

type Side = "client" | "upstream" | "redis";

/** What a network does to each of the lines of a gateway. */
export function wireFaults(store: StoreName): Fault[] {
  const sides: Side[] = store === "redis" ? ["client", "upstream", "redis"] : ["client", "upstream"];
  return sides.flatMap((side) => [
    on(side, "cut", async (wire, dice) => {
      for (let left = dice.whole(1, 3); left > 0; left--) {
        wire.heal(); // resets what stands
        await sleep(dice.whole(1, 300));
      }
    }),
    on(side, "stalled", async (wire, dice) => {
      wire.holdBack();
      await sleep(dice.whole(100, 2_500));
      wire.deliver(); // also what its sender gave up on
    }),
    on(side, "replies-lost", async (wire, dice) => {
      await Promise.race([wire.loseReplies(), sleep(2_000)]);
      await sleep(dice.whole(0, 1_200));
      wire.heal();
    }),
  ]);
}

function on(side: Side, what: string, strike: (wire: FaultProxy, dice: Scene["dice"]) => Promise<void>): Fault {
  const kind = `${side}-${what}`;
  return {
    kind,
    lane: "wire",
    async strike({ post, dice, history }) {
      const wire = post.wires[side];
      if (wire !== undefined) await history.fault(kind, post.host.name, () => strike(wire, dice));
    },
  };
}
