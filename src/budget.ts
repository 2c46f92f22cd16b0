/**
 * The bytes that all operations together keep of bodies and answers (ONCEGATE_MAX_BUFFERED). At the limit no further operation is
 * admitted; what runs already is counted and never refused, since losing its answer would be worse.
 */
export class Budget {
  readonly #maxBytes: number;
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get held(): number {
    return this.#held;
  }

  /** False, and nothing held, where that were more than the limit, or the limit is reached already. */
  admit(bytes: number): boolean {
    if (this.#held >= this.#maxBytes || this.#held + bytes > this.#maxBytes) return false;
    this.#held += bytes;
    return true;
  }

  hold(bytes: number): void {
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/** What one operation holds of the budget; given back all at once when it is over. */
export class Share {
  readonly #budget: Budget;
  #bytes = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  admit(bytes: number): boolean {
    if (!this.#budget.admit(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  hold(bytes: number): void {
    this.#budget.hold(bytes);
    this.#bytes += bytes;
  }

  giveBack(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }
}
