import { createHash } from "node:crypto";

/**
 * Every decision of a run: the same seed and the same path give the same decisions in the same order, whatever the processes
 * do meanwhile. Each who decides has a path of its own, so that nobody's timing changes another's decisions.
 */
export class Dice {
  #state: number;

  constructor(seed: string, ...path: (string | number)[]) {
    this.#state = createHash("sha256")
      .update([seed, ...path].join("/"))
      .digest()
      .readUInt32LE(0);
  }

  /** From 0, below 1 (mulberry32, public domain). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Both included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<Choice>(choices: readonly Choice[]): Choice {
    if (choices.length === 0) throw new RangeError("nothing to choose from");
    return choices[this.whole(0, choices.length - 1)]!;
  }

  shuffled<Card>(cards: readonly Card[]): Card[] {
    const deck = [...cards];
    for (let i = deck.length - 1; i > 0; i--) {
      const j = this.whole(0, i);
      [deck[i], deck[j]] = [deck[j]!, deck[i]!];
    }
    return deck;
  }
}

/** Deals every card once before any comes again, so that each is seen about equally often. */
export class Deck<Card> {
  readonly #cards: readonly Card[];
  readonly #dice: Dice;
  #left: Card[] = [];

  constructor(cards: readonly Card[], dice: Dice) {
    this.#cards = cards;
    this.#dice = dice;
  }

  deal(): Card {
    if (this.#left.length === 0) this.#left = this.#dice.shuffled(this.#cards);
    return this.#left.pop()!;
  }
}
