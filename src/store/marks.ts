import type { Found, Step } from "../domain/continuity.ts";
import type { Note } from "./journal.ts";

/** The marks of a store and the counts of this process, as an adapter keeps them. Throws StoreError while it is out of reach. */
export interface Marks {
  readonly partitions: number;
  /** What stands in every partition now. */
  read(): Promise<Found[]>;
  /** Does nothing where `from` does not stand there any more. `note`: for the journal, in the same step. */
  replace(step: Step, note?: Note): Promise<void>;
  /** Who is talked to. Compared before every claim, so it costs nothing. */
  contact(): Contact;
}

/** `made`: changes with every new connection. `anotherAt`: when (performance.now) one led to a server that was not there before. */
export type Contact = { made: number; anotherAt: number | undefined };

/** Several processes may make, stop or accept a store at once; each reading shows what the others did. */
export const MOST_READINGS = 20;

/** The note with the first alone: the others are many, and one is enough. */
export async function replaceAll(marks: Marks, steps: readonly Step[], note?: Note): Promise<void> {
  await Promise.all(steps.map((step, i) => marks.replace(step, i === 0 ? note : undefined)));
}
