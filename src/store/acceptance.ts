import { accepting, raising, readMark } from "../domain/continuity.ts";
import type { Mark } from "../domain/continuity.ts";
import { MOST_READINGS, replaceAll } from "./marks.ts";
import type { Marks } from "./marks.ts";
import { StoreError } from "./records.ts";

export type Accepted = "accepted" | "not-lost" | "foreign";

/**
 * Ends a loss for everybody. `known`: the flag that this process stopped under. `foreign`: it is another store than the `pinned` one.
 * Throws StoreError where it must be said again: a part of it may be written.
 */
export async function acceptLoss(
  marks: Marks,
  { known, pinned }: { known: Mark | undefined; pinned: string | undefined },
  said: { by: string; why: string },
): Promise<Accepted> {
  for (let reading = 0; reading < MOST_READINGS; reading++) {
    const found = await marks.read();
    const isOver = reading > 0 && !found.some(({ mark }) => readMark(mark)?.isFlagged);
    if (isOver) return "accepted";
    const { flag, steps } = raising(found, known);
    if (pinned !== undefined && flag.id !== pinned) return "foreign";
    // First the flag everywhere: marks of two generations without a flag among them are a loss, never half an acceptance.
    if (steps.length > 0) await replaceAll(marks, steps);
    else await replaceAll(marks, accepting(found, flag), { event: "loss-accepted", store: flag.id, ...said });
  }
  throw new StoreError("ambiguous", "the store's marks keep changing: say it again");
}
