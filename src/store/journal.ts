import type { Name, Token, UnknownReason } from "../domain/record.ts";

/** What was decided about operations outside of any request: by a person, by a probe, or by the end of a retention. */
export type Note =
  | {
      event: "resolved";
      name: Name;
      owner: Token;
      verdict: "executed" | "not-executed";
      /** Who says so, and why: in their own words. */
      by: string;
      why: string;
    }
  | { event: "expired"; name: Name; startedAt: number; reason: UnknownReason }
  /** Somebody took the responsibility that operations go on, on a store that lost data. `store`: its id. */
  | { event: "loss-accepted"; store: string; by: string; why: string };

/** `at`: the store's wall clock, ms. */
export type JournalEntry = Note & { at: number };

/**
 * The audit trail. An entry is written in the same step as what it tells of (Records.resolve, and the sweep of unknowns whose
 * retention is over), and kept for JOURNAL_MS.
 */
export interface Journal {
  /** The newest first. Throws StoreError when the store cannot be asked. */
  latest(limit: number): Promise<JournalEntry[]>;
}

/** More than a year: an audit looks at the last one. */
export const JOURNAL_MS = 400 * 86_400_000;
