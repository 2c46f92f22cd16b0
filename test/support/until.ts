import { setTimeout as sleep } from "node:timers/promises";

/** Longer than anything takes on two slow, shared cores, and shorter than a test may run. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 25;

/** Asks until there is something to say; `what` tells in the error which condition never came. */
export async function until<Found>(
  what: string,
  ask: () => Promise<Found | undefined | false> | Found | undefined | false,
): Promise<Found> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (performance.now() < giveUpAt) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    await sleep(PAUSE_MS);
  }
  throw new Error(`not within ${PATIENCE_MS / 1_000} s: ${what}`);
}
