import type { Attempt, ClaimAnswer } from "../domain/claim.ts";
import type { Executing, Name, StoredRecord, Token, Unknown, UnknownReason } from "../domain/record.ts";
import type { Completion, Resolution } from "../domain/settlement.ts";
import type { Continuity } from "./continuity.ts";
import type { Journal, Note } from "./journal.ts";
import type { Originals } from "./originals.ts";
import type { Turns } from "./turns.ts";

/**
 * The records of operations: atomic verbs and no policy. domain/claim.ts and domain/settlement.ts say what each verb does
 * to a record and what it answers; every adapter passes test/store/contract.ts.
 *
 * Every verb may be sent again after an ambiguous error and then answers as it would have the first time.
 * Every verb throws StoreError when the store cannot be asked; an answer is never made up.
 */
export interface Records {
  /**
   * The store's lease clock for that record in ms, for reckoning a claim's deadline: as last heard from the store and carried forward on
   * this process's monotonic clock. Throws StoreError (`unsent`) while the store was never reached.
   */
  time(name: Name): number;
  /** Throws StoreError (`unsent`) also where the store must be looked at first, and `store_lost` where that found a loss. */
  claim(name: Name, attempt: Attempt): Promise<ClaimAnswer>;
  /** As `claim`. */
  begin(name: Name, owner: Token, leaseMs: number): Promise<"begun" | "lost" | "store_lost">;
  renew(name: Name, owner: Token, leaseMs: number): Promise<"renewed" | "lost">;
  complete(name: Name, completion: Completion): Promise<"completed" | "recreated" | "refused">;
  /** `at`: the store's lease clock when it answered, so that a withdrawal can tell that the claim's deadline is over. */
  release(name: Name, owner: Token): Promise<{ answer: "released" | "refused"; at: number }>;
  hold(name: Name, owner: Token, reason: UnknownReason): Promise<"held" | "refused">;
  /** For whoever has the turn next, not for the owner. */
  revoke(name: Name, owner: Token): Promise<"revoked">;
  /** As domain/record.ts `asRead` has it. */
  read(name: Name): Promise<StoredRecord | undefined>;
  /** `gatewayAt`: the wall clock of whoever looked. */
  look(name: Name, owner: Token, gatewayAt: number): Promise<Looked>;
  /** Ends an unknown; `note` goes into the journal in the same step, and only where it was resolved by this very sending. */
  resolve(name: Name, resolution: Resolution, note: Note): Promise<"resolved" | "absent" | "refused">;
  /** At most `limit` records that are in that state now, the longest standing first. May lag behind `read`. */
  list(state: Open["state"], limit: number): Promise<Listed[]>;
  /** The names of all records of one key, in whatever scope and state: those whose second half is `keyHash`. */
  find(keyHash: Token): Promise<Name[]>;
  /** The names of all records. For what is done at night: it looks at the whole store, a part at a time. */
  names(): Promise<Name[]>;
  /** How many records read as unknown now. */
  countUnknown(): Promise<number>;
}

/** `firstAgoMs`: for how long it is known that it was not there. `refused`: not unknown any more, or another operation. */
export type Looked = { kind: "looked"; firstAgoMs: number } | { kind: "refused" };

/** What has not ended, or nobody knows how. */
export type Open = Executing | Unknown;
export type Listed = { name: Name; record: Open };

/** `risks`: what may cost a second invoice, where the store is not as it should be. */
export type StoreDescription = { store: string; durability: string; risks: readonly string[] };

/** An open store. It may be out of reach: then its verbs throw until it is back, and it keeps trying by itself. */
export interface Store {
  readonly records: Records;
  readonly turns: Turns;
  readonly originals: Originals;
  readonly journal: Journal;
  readonly continuity: Continuity;
  /**
   * Resolves when the store answers, would take a write and was looked at, whether or not it lost data; throws StoreError that says why not. */
  probe(): Promise<void>;
  /** The secret of stored names as it is kept: the first `candidate` ever offered to this store, the same for every process. */
  nameSecret(candidate: Buffer): Promise<Buffer>;
  /** Keeps `next` instead, which must hold the same secret, if `known` still stands there; else changes nothing. */
  replaceNameSecret(known: Buffer, next: Buffer): Promise<void>;
  /** For the start log: what it is and what survives a crash, without credentials. Throws StoreError while out of reach. */
  describe(): Promise<StoreDescription>;
  /** Ends connections and threads; verbs under way throw. */
  close(): Promise<void>;
}

/**
 * The store could not be asked, or nobody knows what it did.
 * `unsent`: certainly nothing was written, now or later. `ambiguous`: it may have been, or may still be.
 * The message names the trouble and never carries a key, an answer or a password.
 */
export class StoreError extends Error {
  readonly fate: "unsent" | "ambiguous";
  constructor(fate: "unsent" | "ambiguous", message: string) {
    super(message);
    this.name = "StoreError";
    this.fate = fate;
  }
}

/** For a catch: what is no StoreError is thrown on. */
export function storeErrorOnly(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  throw error;
}
