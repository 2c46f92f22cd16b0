import { setTimeout as sleep } from "node:timers/promises";
import type { MovableClock } from "../clock.ts";
import type { Fault, Scene } from "./fault.ts";

/** Ahead and behind, by less and by more than a lease, and than any lease; less than any retention, whose end is no loss. */
const JUMPS_MS = [700, 5_000, 61_000, 3_600_000].flatMap((ms) => [ms, -ms]);

/** Wall clocks that jump and jump back. */
export const CLOCK_FAULTS: Fault[] = [
  on("gateway-clock", ({ post }) => [post.clock, post.host.name]),
  on("store-clock", ({ site }) => [site.storeClock, "store"]),
];

function on(kind: string, clockOf: (scene: Scene) => [MovableClock | undefined, string]): Fault {
  return {
    kind,
    lane: "clock",
    async strike(scene) {
      const [clock, target] = clockOf(scene);
      if (clock === undefined) return;
      const { dice, history } = scene;
      await history.fault(kind, target, async () => {
        clock.set(dice.pick(JUMPS_MS));
        await sleep(dice.whole(200, 3_000));
        clock.set(0);
      });
    },
  };
}
