import { leaseIsGood } from "./record.ts";
import type { Name, StoredRecord, Token } from "./record.ts";

/**
 * Operations that are alike are duplicates, and the first of them is their original. What a store keeps of a likeness is only which
 * operation that is: by its record's name and by its owner, since a key can have another owner later. How it stands with the original
 * is said by its record alone, so the two can never disagree (DESIGN, section 10, Duplicates).
 */
export type Original = { name: Name; owner: Token };

/** `instead`: of whom the candidate has seen that it does not stand any more, and never will again. */
export type Candidacy = { own: Original; instead: Original | undefined };

export type StandAnswer = { kind: "stands" } | { kind: "taken"; by: Original };

/** Makes an operation the original, where none is, or the one that is gone; a repetition is answered as the first time. */
export function stand(current: Original | undefined, { own, instead }: Candidacy): StandAnswer {
  if (current === undefined || isSame(current, own) || isSame(current, instead)) return { kind: "stands" };
  return { kind: "taken", by: current };
}

/** Each claim has an owner of its own. */
export const isSame = (one: Original, other: Original | undefined): boolean =>
  one.owner === other?.owner && one.name === other.name;

/**
 * How it stands with an original, by what is read under its name. `gone`: it was released, or its retention is over: it is no
 * duplicate's original any more. `lapsed`: its owner has claimed it and may be dead; it may still begin unless it is revoked first.
 */
export type Standing = { kind: "gone" | "lapsed" } | { kind: "stands"; record: StoredRecord };

/** `now`: the store's lease clock; a wrong one can only revoke what would have begun. */
export function standingOf({ owner }: Original, record: StoredRecord | undefined, now: number): Standing {
  if (record?.owner !== owner) return { kind: "gone" };
  if (record.state === "claimed" && !leaseIsGood(record, now)) return { kind: "lapsed" };
  return { kind: "stands", record };
}
