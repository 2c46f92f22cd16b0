import { jest } from "@jest/globals";
import * as fc from "fast-check";

/**
 * Virtual time: every clock and timer of what is imported *after* this module (dynamically) stands still until it is told to
 * go on. `setImmediate` is real: it comes when all promises that can go on have done so.
 */
jest.useFakeTimers({ doNotFake: ["setImmediate", "clearImmediate", "nextTick", "queueMicrotask", "hrtime"] });
jest.unstable_mockModule("node:timers/promises", () => ({
  setTimeout: (ms: number, value: unknown) => new Promise((resolve) => setTimeout(resolve, ms, value)),
}));

const MOST_TIMERS = 10_000;

/** Resolves when nothing goes on any more without a message or time. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs all timers of the next `ms` in their order; nothing else happens meanwhile. */
export async function pass(ms: number): Promise<void> {
  await passing(ms, async () => {});
}

/** As `pass`, with `between` before the first timer and after each one. */
export async function passing(ms: number, between: () => Promise<void>): Promise<void> {
  const until = performance.now() + ms;
  setTimeout(() => {}, ms); // a timer at the very end, so that time stops there
  await between();
  for (let timers = 0; performance.now() < until; timers++) {
    if (timers > MOST_TIMERS) throw new Error("time stands still: somebody waits again and again for no time");
    jest.advanceTimersToNextTimer();
    await settled();
    await between();
  }
}

/** Goes on to the next timer; false where nobody waits for time. */
export async function nextTimer(): Promise<boolean> {
  if (jest.getTimerCount() === 0) return false;
  jest.advanceTimersToNextTimer();
  await settled();
  return true;
}

/** Forgets what the run before waited for, and makes the jitter of pauses the same in every run of one example. */
export function restart(): void {
  jest.clearAllTimers();
  jest.spyOn(Math, "random").mockReturnValue(0.5);
}

/** Chance back again: fast-check draws its seed from it. */
export function leave(): void {
  jest.restoreAllMocks();
}

/** A lane of messages: which of those under way arrives next is the scheduler's choice. */
export class Lane {
  readonly #scheduler: fc.Scheduler;

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Resolves when it is this message's turn. */
  travel(what: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), what);
  }

  get isEmpty(): boolean {
    return this.#scheduler.count() === 0;
  }

  /** Lets at most `count` messages arrive. */
  async deliver(count: number): Promise<void> {
    for (let left = count; left > 0 && !this.isEmpty; left--) {
      await this.#scheduler.waitOne();
      await settled();
    }
  }
}
