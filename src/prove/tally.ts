import type { Backend } from "./backend.ts";

/** What clients saw, and what is to be said of it against what the backend did. */
export class Tally {
  /** The first answer that each client saw. */
  readonly #answers = new Map<string, string>();
  readonly #lost = new Set<string>();
  readonly #unanswered = new Set<string>();
  #replays = 0;
  #resolved = 0;

  answered(number: string, body: string, isReplay: boolean): void {
    if (isReplay) this.#replays++;
    const first = this.#answers.get(number) ?? body;
    this.#answers.set(number, first);
    if (first !== body) this.#lost.add(number);
  }

  gaveUp(number: string): void {
    this.#unanswered.add(number);
  }

  resolved(): void {
    this.#resolved++;
  }

  /** `body`: what a retry replays at the very end, undefined where it replays nothing. */
  atTheEnd(number: string, body: string | undefined): void {
    if (body === undefined || body !== this.#answers.get(number)) this.#lost.add(number);
  }

  /** In words, and whether it is as it must be. */
  verdict(numbers: readonly string[], backend: Backend): { summary: string; isProved: boolean } {
    const made = numbers.map((number) => ({ number, invoices: backend.invoices(number) }));
    const twice = made.filter(({ invoices }) => invoices.length > 1).map(({ number }) => number);
    const never = made.filter(({ invoices }) => invoices.length === 0).map(({ number }) => number);
    // What was answered is not what was made.
    const altered = made.filter(({ number, invoices }) => {
      const answer = this.#answers.get(number);
      return answer !== undefined && !invoices.includes(answer);
    });
    const invoices = made.reduce((sum, one) => sum + one.invoices.length, 0);
    const counted = [
      `${inWords(numbers.length)} intents`,
      `${inWords(invoices)} invoices`,
      `${inWords(this.#lost.size)} lost answers`,
      `${inWords(this.#replays)} replays`,
      `${inWords(this.#resolved)} unknown resolved`,
    ].join(", ");
    const broken = [
      ...complaint("made twice", twice),
      ...complaint("never made", never),
      ...complaint(
        "not answered as made",
        altered.map(({ number }) => number),
      ),
      ...complaint("without the same answer at the end", [...this.#lost]),
      ...complaint("not answered at all", [...this.#unanswered]),
    ];
    return { summary: [counted, ...broken].join("\n"), isProved: broken.length === 0 };
  }
}

const inWords = (count: number): string => count.toLocaleString("en");

function complaint(what: string, numbers: readonly string[]): string[] {
  if (numbers.length === 0) return [];
  return [`BROKEN, ${what}: ${numbers.slice(0, 5).join(", ")}${numbers.length > 5 ? `, ... (${numbers.length})` : ""}`];
}
