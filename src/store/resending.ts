import { setTimeout as sleep } from "node:timers/promises";
import { UnderWay } from "../under-way.ts";
import { StoreError } from "./records.ts";

/** What must reach the store is sent until the store answers, at most this far apart. */
const LONGEST_PAUSE_MS = 1_000;

/** Sends again until the store answers. `trouble`: why it did not at first. */
async function sendAgain<Answer>(send: () => Promise<Answer>, trouble: unknown): Promise<Answer> {
  for (let [last, pause] = [trouble, 50]; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    if (!(last instanceof StoreError)) throw last;
    await sleep(pause * (0.75 + Math.random() / 2));
    try {
      return await send();
    } catch (error) {
      last = error;
    }
  }
}

/** What the store has not acknowledged yet, and what has to end before the store may be closed. */
export class Resending {
  readonly #pending = new UnderWay();

  /** Sends until the store answers. Nearly always it answers at first: that must not cost a loop's promises. */
  untilAnswered<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    const answered = send().catch((error: unknown) => sendAgain(send, error));
    const end = this.begin();
    answered.then(end, end);
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

  /** Something is pending until what is returned is called; it may be called again. */
  begin(): () => void {
    this.#pending.begin();
    let isOver = false;
    return () => {
      if (!isOver) this.#pending.end();
      isOver = true;
    };
  }

  /** Resolves when nothing is pending any more. */
  idle(): Promise<void> {
    return this.#pending.none();
  }
}
