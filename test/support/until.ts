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

/** Asks again while the store cannot say: on a busy machine a lock or a reply may take too long, for a gateway as for a test. */
export function untilItAnswers<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  return until("an answer of the store", async () => {
    try {
      return { answer: await ask() };
    } catch (error) {
      if (Error.isError(error) && error.name === "StoreError") return undefined;
      throw error;
    }
  }).then(({ answer }) => answer);
}
