import { setTimeout as sleep } from "node:timers/promises";
import type { Upstream } from "../upstream/process.ts";
import type { Fault, Scene } from "./fault.ts";

/** What happens to the process behind the gateways; what it does with single requests is upstream/behaviour.ts. */
export const UPSTREAM_FAULTS: Fault[] = [
  on("upstream-killed", async (upstream) => {
    await upstream.kill();
    await upstream.start();
  }),
  on("upstream-down", async (upstream, dice) => {
    await upstream.kill();
    await sleep(dice.whole(300, 2_500));
    await upstream.start();
  }),
  on("upstream-paused", async (upstream, dice) => {
    upstream.signal("SIGSTOP");
    await sleep(dice.whole(100, 4_000)); // beyond the gateways' limit, too
    upstream.signal("SIGCONT");
  }),
];

function on(kind: string, strike: (upstream: Upstream, dice: Scene["dice"]) => Promise<void>): Fault {
  return {
    kind,
    lane: "upstream",
    strike: ({ site: { upstream }, dice, history }) => history.fault(kind, "upstream", () => strike(upstream, dice)),
  };
}
