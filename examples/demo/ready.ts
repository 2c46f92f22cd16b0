import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "./child.ts";

/** Why the demo cannot go on, in words for the person who started it. */
export class DemoFailure extends Error {}

/** Returns when `url` answers 200 or `interrupted` fires; throws a DemoFailure when the child ends or is too slow. */
export async function untilReady(child: Child, url: string, limitMs: number, interrupted: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([interrupted, AbortSignal.timeout(limitMs)]);
  while (!limit.aborted) {
    if (await answers200(url, limit)) return;
    if (!child.running()) throw ended(child, await child.ended);
    await Promise.race([child.ended, sleep(100)]);
  }
  if (!interrupted.aborted) throw failure(child, `was not ready within ${limitMs / 1000} s`);
}

export function ended(child: Child, how: string): DemoFailure {
  return failure(child, how);
}

function failure(child: Child, what: string): DemoFailure {
  return new DemoFailure(`The ${child.name} ${what}. Its last output:\n\n${child.lastOutput() || "(none)"}`);
}

async function answers200(url: string, limit: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([limit, AbortSignal.timeout(1000)]) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    // Refused or silent: not ready yet. Whoever asks holds the limit.
    return false;
  }
}
