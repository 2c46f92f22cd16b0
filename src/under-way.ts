/**
 * How many of something are under way, and when none is.
 *
 * A count, and no Set of what is under way: V8 keeps what a busy Set has let go of until its next full collection, with all that it
 * points to. It cost 20 KB of heap a request, and more time than any other single thing.
 */
export class UnderWay {
  #count = 0;
  #ended: PromiseWithResolvers<void> | undefined;

  get isNone(): boolean {
    return this.#count === 0;
  }

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count > 0) return;
    this.#ended?.resolve();
    this.#ended = undefined;
  }

  /** Resolves when none is; at once where none is now. */
  async none(): Promise<void> {
    while (!this.isNone) await (this.#ended ??= Promise.withResolvers<void>()).promise;
  }
}
