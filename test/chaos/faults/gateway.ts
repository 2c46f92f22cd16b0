import { setTimeout as sleep } from "node:timers/promises";
import { GAPS, THREAD_GAPS } from "../gateway/gap.ts";
import type { Gap } from "../gateway/gap.ts";
import type { Host } from "../host.ts";
import { LEASE_MS } from "../limits.ts";
import type { StoreName } from "../store.ts";
import type { Fault, Scene } from "./fault.ts";

/** While a gateway stands still in a gap, the store and the upstream do what they were asked. */
const STILL_MS = [0, 20] as const;

/** Kills and pauses in every gap of the pipeline, and at any time; pauses twice as often, since a gateway is back from them sooner. */
export function gatewayFaults(store: StoreName): Fault[] {
  const gaps = store === "sqlite" ? [...GAPS, ...THREAD_GAPS] : GAPS;
  return [...gaps.flatMap((gap) => [killIn(gap), pauseIn(gap), pauseIn(gap)]), KILL, PAUSE, TERMINATE];
}

const killIn = (gap: Gap): Fault => ({
  kind: "kill",
  lane: "gateway",
  async strike({ post: { host }, dice, history }) {
    const gone = host.gone();
    if (!(await host.trap(gap, { signal: "SIGKILL", afterMs: dice.pick(STILL_MS) }))) return;
    await history.fault("kill", host.name, () => restarted(host, gone), gap);
  },
});

const pauseIn = (gap: Gap): Fault => ({
  kind: "pause",
  lane: "gateway",
  async strike({ post: { host }, dice, history }) {
    const ms = pauseLength(dice);
    if (!(await host.trap(gap, { signal: "SIGSTOP", afterMs: dice.pick(STILL_MS) }))) return;
    await history.fault("pause", host.name, () => sleep(ms), gap);
    host.signal("SIGCONT");
  },
});

const KILL: Fault = {
  kind: "kill",
  lane: "gateway",
  async strike({ post: { host }, history }) {
    const gone = host.gone();
    host.signal("SIGKILL");
    await history.fault("kill", host.name, () => restarted(host, gone));
  },
};

const PAUSE: Fault = {
  kind: "pause",
  lane: "gateway",
  async strike({ post: { host }, dice, history }) {
    host.signal("SIGSTOP");
    await history.fault("pause", host.name, () => sleep(pauseLength(dice)));
    host.signal("SIGCONT");
  },
};

const TERMINATE: Fault = {
  kind: "terminate",
  lane: "gateway",
  async strike({ post: { host }, history }) {
    const gone = host.gone();
    host.signal("SIGTERM");
    await history.fault("terminate", host.name, () => restarted(host, gone));
  },
};

async function restarted(host: Host, gone: Promise<void>): Promise<void> {
  await gone;
  await host.live();
}

/** Mostly shorter than a lease, sometimes longer. */
const pauseLength = (dice: Scene["dice"]): number =>
  dice.chance(0.7) ? dice.whole(50, LEASE_MS / 2) : dice.whole(LEASE_MS, 1.6 * LEASE_MS);
