import type { Candidacy, Original, StandAnswer } from "../domain/original.ts";
import type { Name } from "../domain/record.ts";

/**
 * Which operation is the original of each likeness: atomic verbs and no policy, as domain/original.ts decides them; every adapter
 * passes test/store/contract-originals.ts.
 *
 * Every verb may be sent again after an ambiguous error, and throws StoreError when the store cannot be asked.
 */
export interface Originals {
  /**
   * `keepMs`: how long it is kept from now on where the candidate stands. Permits sending, so it is counted like a claim
   * (continuity), and refused with `store_lost` as one.
   */
  stand(likeness: Name, candidacy: Candidacy, keepMs: number): Promise<StandAnswer | { kind: "store_lost" }>;
  /** Keeps it for so long from now on, 0 for no longer; without effect where another one stands, or none. */
  keep(likeness: Name, own: Original, keepMs: number): Promise<void>;
}
