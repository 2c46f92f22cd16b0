/**
 * What a store keeps of one operation. Each state carries only its own fields; `absent` is no record at all.
 * Times are milliseconds. `leaseUntil` is on the store's lease clock, `startedAt` on its wall clock.
 */

/** 16 bytes as 22 characters of base64url: owner tokens, fingerprints and credentials, all compared as whole values. */
export type Token = string;

/** `HMAC(scope).HMAC(key)`, two tokens: what a store may know of a client's key (DESIGN: stored names). */
export type Name = string;

/** Whose operation it is and what was asked for; the same in every state. */
export type Identity = {
  /** Random, one per claim. Every later write names it. */
  owner: Token;
  fingerprint: Token;
  /** Digest of the credential the operation was executed with: a replay to another one shows somebody else's invoice. */
  credential: Token;
};

/**
 * Why nobody can tell whether the upstream acted. `owner-lost`: its lease ran out; it is read for the record's own, and written
 * only for that of a turn (settlement.ts revoke).
 */
export const UNKNOWN_REASONS = [
  "owner-lost",
  "upstream-silent",
  "upstream-reset",
  "answer-cut",
  "answer-unframed",
  "unknown-status",
  "shutdown",
] as const;
export type UnknownReason = (typeof UNKNOWN_REASONS)[number];

/** Throws where another version of the program wrote it. */
export function unknownReason(text: string): UnknownReason {
  const known = UNKNOWN_REASONS.find((reason) => reason === text);
  if (known === undefined) throw new Error(`a record is unknown for "${text}", which this version does not know`);
  return known;
}

type Started = Identity & { startedAt: number };
/** When the lease ends, and how long it was when it was given. */
export type Leased = { leaseUntil: number; leaseMs: number };

/** Nothing was sent yet and nothing may be: the operation waits for its turn. The only state another owner may take over. */
export type Claimed = Started & Leased & { state: "claimed" };
export type Executing = Started & Leased & { state: "executing" };
/** `answer` is opaque to stores (store/codec.ts). */
export type Completed = Started & { state: "completed"; answer: Uint8Array };
export type Unknown = Started & { state: "unknown"; reason: UnknownReason; firstLook?: FirstLook };

/**
 * When somebody looked for the operation in the API and, for the first time, did not find it: on the store's lease clock, and on the
 * wall clock of the gateway that looked. One clock may jump; two of them do not lie together (settlement.ts look).
 */
type FirstLook = { at: number; gatewayAt: number };

export type StoredRecord = Claimed | Executing | Completed | Unknown;

/** The two clocks of a store: leases must survive a jump of the wall clock, retention and people need the date. */
export type Now = { lease: number; wall: number };

/** The upper bound of ONCEGATE_LEASE: so long an operation whose owner died may be in flight before it is unknown. */
export const LONGEST_LEASE = 60_000;

/** One that ends further ahead than its own length was given before the clock ran backwards (a reboot, a restored machine): it is over. */
export function leaseIsGood({ leaseUntil, leaseMs }: Leased, now: number): boolean {
  return now < leaseUntil && leaseUntil - now <= leaseMs;
}

/**
 * The record as everyone must read it: `executing` whose lease is over *is* unknown, from that moment and without a sweeper
 * that says so (DESIGN, section 10, Retention).
 */
export function asRead(record: StoredRecord | undefined, now: Now): StoredRecord | undefined {
  if (record?.state !== "executing" || leaseIsGood(record, now.lease)) return record;
  const { owner, fingerprint, credential, startedAt } = record;
  return { state: "unknown", owner, fingerprint, credential, startedAt, reason: "owner-lost" };
}
