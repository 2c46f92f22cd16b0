/**
 * So many at once and no more; whoever comes later waits, and can leave. (undici's own queue is unbounded, and what waits in it
 * stays there with its body after its sender gave up.)
 */
export class Places {
  #free: number;
  readonly #waiting = new Set<(hasPlace: boolean) => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** True at once where one is free. Resolves to false where no place came free within `ms`, or nobody is let in any more. */
  take(ms: number): true | Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    return new Promise((resolve) => {
      const answer = (hasPlace: boolean): void => {
        clearTimeout(tooLong);
        this.#waiting.delete(answer);
        resolve(hasPlace);
      };
      const tooLong = setTimeout(answer, ms, false);
      this.#waiting.add(answer);
    });
  }

  give(): void {
    const [first] = this.#waiting;
    if (first === undefined) this.#free++;
    else first(true);
  }

  /** Sends away whoever waits. */
  close(): void {
    for (const answer of this.#waiting) answer(false);
  }
}
