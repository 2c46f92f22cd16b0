/**
 * Many may strike at the same time, or one alone. Who wants to be alone comes before those who ask later, so that it is not
 * kept waiting for ever.
 */
export class Calm {
  #alone: Promise<unknown> = Promise.resolve();
  readonly #striking = new Set<Promise<unknown>>();

  /** Begins when nobody is alone. */
  async among(strike: () => Promise<void>): Promise<void> {
    for (let seen; seen !== this.#alone;) {
      seen = this.#alone;
      await seen.catch(() => {});
    }
    const striking = strike();
    this.#striking.add(striking);
    await striking.finally(() => this.#striking.delete(striking));
  }

  /** Begins when nobody strikes; one after the other. */
  async alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = this.#alone;
    const working = (async () => {
      await before.catch(() => {});
      await Promise.allSettled(this.#striking);
      return work();
    })();
    this.#alone = working;
    return working;
  }
}
