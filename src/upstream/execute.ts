import { setTimeout as sleep } from "node:timers/promises";
import { CONNECTIONS, connectUpstream } from "./connect.ts";
import { Crowd } from "./crowd.ts";
import { Places } from "./places.ts";
import { BRIEF, pauseBeforeNext } from "./retries.ts";
import type { Retries } from "./retries.ts";
import { Try } from "./try.ts";
import type { Execution, Permit, UpstreamSettings } from "./try.ts";

type Outgoing = { method: string; target: string; headers: string[]; body: Uint8Array };

export type Upstream = {
  /** Executes `request` at most once, wherever it fails, and sends it only where `permit` says so. Never throws. */
  execute(request: Outgoing, permit: Permit, retries?: Retries): Promise<Execution>;
  /** Gives up on everything under way: the process must end. */
  abandon(): void;
  close(): Promise<void>;
};

export function openUpstream(settings: UpstreamSettings): Upstream {
  const { pool, resetting } = connectUpstream(settings);
  const basePath = settings.url.pathname.replace(/\/$/, "");
  const underWay = new Crowd<Try>();
  const places = new Places(CONNECTIONS);

  const abandoned = new AbortController();

  const onFree = (one: Try): void => {
    if (underWay.remove(one)) places.give();
  };

  const tryOnce = async (request: Outgoing, permit: Permit): Promise<Execution> => {
    const place = places.take(settings.connectTimeoutMs);
    const hasPlace = place === true || (await place);
    if (abandoned.signal.aborted) return { kind: "never-sent", reason: "abandoned", why: "the gateway stops" };
    if (!hasPlace) return { kind: "never-sent", reason: "unreachable", why: "no free connection in time" };
    const one = new Try(settings, permit, { resetting, onFree });
    underWay.add(one);
    try {
      pool.dispatch({ ...request, path: basePath + request.target }, one);
    } catch (error) {
      one.onResponseError(undefined, error instanceof Error ? error : new Error(String(error)));
    }
    return await one.ended;
  };

  return {
    async execute(request, permit, retries = BRIEF) {
      const startedAt = performance.now();
      for (let tried = 1; ; tried++) {
        const execution = await tryOnce(request, permit);
        const pause = pauseBeforeNext(execution, retries, { tried, elapsedMs: performance.now() - startedAt });
        if (pause === undefined) return execution;
        await sleep(pause, undefined, { signal: abandoned.signal }).catch(() => {});
        if (abandoned.signal.aborted) return execution;
      }
    },
    abandon() {
      abandoned.abort();
      places.close();
      for (const one of underWay.all()) one.abandon();
    },
    async close() {
      await pool.destroy();
    },
  };
}
