import { setTimeout as sleep } from "node:timers/promises";
import { CONNECTIONS, connectUpstream } from "./connect.ts";
import { Crowd } from "./crowd.ts";
import { Places } from "./places.ts";
import { Try } from "./try.ts";
import type { Execution, Permit, UpstreamSettings } from "./try.ts";

type Outgoing = { method: string; target: string; headers: string[]; body: Uint8Array };

export type Upstream = {
  /** Sends `request` at most once, wherever it fails, and only where `permit` says so. Never throws. */
  execute(request: Outgoing, permit: Permit): Promise<Execution>;
  /** Gives up on everything under way: the process must end. */
  abandon(): void;
  close(): Promise<void>;
};

/** Re-tries of what was never sent: enough for a restarting upstream's gap, over before a client would notice. */
const RETRY_PAUSES_MS = [200, 800];
const RETRY_WITHIN_MS = 2_000;

export function openUpstream(settings: UpstreamSettings): Upstream {
  const { pool, resetting } = connectUpstream(settings);
  const basePath = settings.url.pathname.replace(/\/$/, "");
  const underWay = new Crowd<Try>();
  const places = new Places(CONNECTIONS);

  let isAbandoned = false;

  const onFree = (one: Try): void => {
    if (underWay.remove(one)) places.give();
  };

  const tryOnce = async (request: Outgoing, permit: Permit): Promise<Execution> => {
    const hasPlace = await places.take(settings.connectTimeoutMs);
    if (isAbandoned) return { kind: "never-sent", reason: "abandoned", why: "the gateway stops" };
    if (!hasPlace) return { kind: "never-sent", reason: "unreachable", why: "no free connection in time" };
    const one = new Try(settings, permit, { resetting, onFree });
    underWay.add(one);
    try {
      pool.dispatch({ ...request, path: basePath + request.target }, one);
    } catch (error) {
      one.onResponseError(undefined, error instanceof Error ? error : new Error(String(error)));
    }
    return one.ended;
  };

  return {
    async execute(request, permit) {
      const startedAt = performance.now();
      for (const pause of RETRY_PAUSES_MS) {
        const execution = await tryOnce(request, permit);
        if (execution.kind !== "never-sent" || execution.reason !== "unreachable") return execution;
        const wait = pause * (0.75 + Math.random() / 2);
        if (performance.now() + wait - startedAt > RETRY_WITHIN_MS) return execution;
        await sleep(wait);
      }
      return tryOnce(request, permit);
    },
    abandon() {
      isAbandoned = true;
      places.close();
      for (const one of underWay.all()) one.abandon();
    },
    async close() {
      await pool.destroy();
    },
  };
}
