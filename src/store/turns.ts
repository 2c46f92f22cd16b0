import type { EnterAnswer, Entry } from "../domain/turn.ts";
import type { Name, Token } from "../domain/record.ts";

/**
 * The queues of documents: atomic verbs and no policy, as domain/turn.ts decides them; every adapter passes
 * test/store/contract-turns.ts. No step reads the whole of a line, so that a long one costs no more than a short one.
 *
 * Every verb may be sent again after an ambiguous error, and throws StoreError when the store cannot be asked.
 */
export interface Turns {
  /** As `Records.time`, for a document: deadlines of entries are reckoned by it. */
  time(document: Name): number;
  enter(document: Name, entry: Entry): Promise<EnterAnswer>;
  renew(document: Name, owner: Token, leaseMs: number): Promise<"renewed" | "lost">;
  /**
   * Gives the turn back, or leaves the line. `next`: who is first in it where nobody holds the turn now; `at`: the store's lease
   * clock when it answered, so that the leaver can tell that no late copy of its entry can arrive any more.
   */
  leave(document: Name, owner: Token): Promise<{ next: Token | undefined; at: number }>;
}

/**
 * What nobody came back for is kept so long: a turn whose holder died, so that whoever is next revokes its operation first. Longer
 * than any operation can run.
 */
export const FORGOTTEN_MS = 7 * 86_400_000;
