const NOTHING = Buffer.alloc(0);

/**
 * Bytes that come in pieces, kept in one stretch of memory: a list of pieces of one byte each would take a hundred times what it
 * counts, and its sender chooses their length.
 */
export class Pieces {
  #memory: Buffer = NOTHING;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (this.#length === 0) {
      this.#memory = piece; // most often the only one
    } else {
      if (length > this.#memory.length) {
        const larger = Buffer.allocUnsafeSlow(2 * length);
        this.#memory.copy(larger, 0, 0, this.#length);
        this.#memory = larger;
      }
      piece.copy(this.#memory, this.#length);
    }
    this.#length = length;
  }

  /** All so far, in order; must not be changed. */
  whole(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }
}
