import { setTimeout as sleep } from "node:timers/promises";
import { UnderWay } from "../under-way.ts";
import { StoreError } from "./records.ts";

/** What must reach the store is sent until the store answers, at most this far apart. */
const LONGEST_PAUSE_MS = 1_000;

/** What the store has not acknowledged yet, and what has to end before the store may be closed. */
export class Resending {
  readonly #pending = new UnderWay();

  /** Sends until the store answers. */
  untilAnswered<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    const answered = (async () => {
      for (let pause = 50; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        try {
          return await send();
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          await sleep(pause * (0.75 + Math.random() / 2));
        }
      }
    })();
    this.track(answered);
    return answered;
  }

  /**
   * Takes back what a sending of unclear fate may have taken or may still take: until the store says so at a time after the deadline
   * of that sending. Earlier, a delayed copy could still arrive and leave an orphan.
   */
  takeBack(deadline: number, send: () => Promise<{ at: number }>): void {
    void this.untilAnswered(async () => {
      for (;;) {
        const { at } = await send();
        if (at > deadline) return;
        await sleep(deadline - at + 1);
      }
    });
  }

  track(pending: Promise<unknown>): void {
    this.#pending.begin();
    const end = (): void => this.#pending.end();
    pending.then(end, end);
  }

  /** Resolves when nothing is pending any more. */
  idle(): Promise<void> {
    return this.#pending.none();
  }
}
