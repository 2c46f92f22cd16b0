import { valueOf } from "../domain/headers.ts";
import type { Answer } from "../domain/replay.ts";
import type { Execution } from "./try.ts";

/** What may be tried again, how often and for how long. Only what did not begin ever is. */
export type Retries = {
  tries: number;
  /** No try begins later than this after the first. */
  withinMs: number;
  /** Pause before the first retry; each further one is `growth` times as long, up to MOST_PAUSE_MS. */
  pauseMs: number;
  growth: number;
  /** A 429 or 503 says with Retry-After when to come again: whether it also says that nothing began. */
  didNotBegin: (answer: Answer) => boolean;
};

/** Of what was never sent: enough for a restarting upstream's gap, over before a client would notice. */
export const BRIEF: Retries = { tries: 3, withinMs: 2_000, pauseMs: 200, growth: 4, didNotBegin: () => false };

const MOST_PAUSE_MS = 8_000;

/** ms to wait before the next try, after `tried` of them; undefined where there is none. `elapsedMs`: since the first began. */
export function pauseBeforeNext(
  execution: Execution,
  { tries, withinMs, pauseMs, growth, didNotBegin }: Retries,
  { tried, elapsedMs }: { tried: number; elapsedMs: number },
): number | undefined {
  if (tried >= tries) return undefined;
  const leastMs = leastPause(execution, didNotBegin);
  if (leastMs === undefined) return undefined;
  const jitter = 0.75 + Math.random() / 2; // clients that failed together must not come back together
  const pause = Math.max(leastMs, Math.min(MOST_PAUSE_MS, pauseMs * growth ** (tried - 1)) * jitter);
  return elapsedMs + pause > withinMs ? undefined : pause;
}

function leastPause(execution: Execution, didNotBegin: Retries["didNotBegin"]): number | undefined {
  if (execution.kind === "never-sent") return execution.reason === "unreachable" ? 0 : undefined;
  if (execution.kind !== "answered" || ![429, 503].includes(execution.answer.status)) return undefined;
  const welcome = welcomeInMs(valueOf(execution.answer.headers, "retry-after"));
  return welcome !== undefined && didNotBegin(execution.answer) ? welcome : undefined;
}

/** Retry-After is seconds or a date (RFC 9110, section 10.2.3). */
function welcomeInMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
