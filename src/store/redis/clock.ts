import { ANSWER_TIMEOUT } from "./connect.ts";

/**
 * Redis's clock, as heard in its replies and carried on by this process's monotonic clock. Behind the true one by the way of
 * the reply and never ahead of it: a deadline reckoned from it comes too early, not too late.
 */
export class RedisClock {
  #ahead: number | undefined;

  /**
   * At the moment of the reply. What lags behind an earlier reading came slowly; what lags by more than a reply is waited
   * for comes from a clock that was set back.
   */
  hear(now: number): void {
    const ahead = now - performance.now();
    if (this.#ahead === undefined || ahead > this.#ahead || ahead < this.#ahead - ANSWER_TIMEOUT) this.#ahead = ahead;
  }

  /** undefined while Redis was never heard. */
  time(): number | undefined {
    return this.#ahead === undefined ? undefined : Math.floor(performance.now() + this.#ahead);
  }
}
