import { asRead } from "./record.ts";
import type { Claimed, Executing, Identity, Now, StoredRecord, Token, UnknownReason } from "./record.ts";

/**
 * What the owner of a claim may do to its record afterwards. Every function here compares the owner token first and
 * answers a repetition as it answered the first time, so each may be sent again after an ambiguous store error.
 * `next`: the record to write; `"absent"`: remove it; without it nothing changes.
 */
export type Change<Answer> = { answer: Answer; next?: StoredRecord | "absent" };

/** The owner's record while it is neither settled nor lapsed into unknown. */
function live(stored: StoredRecord | undefined, owner: Token, now: Now): Claimed | Executing | undefined {
  const record = asRead(stored, now);
  if (record?.owner !== owner) return undefined;
  return record.state === "claimed" || record.state === "executing" ? record : undefined;
}

/** Permits the first byte of an operation that waited as `claimed`. */
export function begin(
  stored: StoredRecord | undefined,
  owner: Token,
  leaseMs: number,
  now: Now,
): Change<"begun" | "lost"> {
  const record = live(stored, owner, now);
  if (record === undefined) return { answer: "lost" };
  return { answer: "begun", next: { ...record, state: "executing", leaseUntil: now.lease + leaseMs, leaseMs } };
}

export function renew(
  stored: StoredRecord | undefined,
  owner: Token,
  leaseMs: number,
  now: Now,
): Change<"renewed" | "lost"> {
  const record = live(stored, owner, now);
  if (record === undefined) return { answer: "lost" };
  return { answer: "renewed", next: { ...record, leaseUntil: now.lease + leaseMs, leaseMs } };
}

/** A whole answer of the upstream. Carries the identity, so that it can be written where the store lost the record. */
export type Completion = Identity & {
  startedAt: number;
  answer: Uint8Array;
  /** How long the completed record lives, counted from now. */
  retentionMs: number;
};

/**
 * The truth, however late: also an unknown is completed by its own owner, and an answer that a probe found is replaced.
 * `recreated`: the store had lost the record (an alarm); `refused`: it is another owner's (an alarm too), or never began.
 */
export function complete(
  stored: StoredRecord | undefined,
  { owner, fingerprint, credential, startedAt, answer }: Completion,
  now: Now,
): Change<"completed" | "recreated" | "refused"> {
  const record = asRead(stored, now);
  const next: StoredRecord = { state: "completed", owner, fingerprint, credential, startedAt, answer };
  if (record === undefined) return { answer: "recreated", next };
  if (record.owner !== owner || record.state === "claimed") return { answer: "refused" };
  return { answer: "completed", next: { ...next, startedAt: record.startedAt } };
}

/**
 * The operation did not execute: its key is free again. `released` also where no record stands. `refused`: it is another
 * owner's, or completed.
 */
export function release(stored: StoredRecord | undefined, owner: Token): Change<"released" | "refused"> {
  if (stored === undefined) return { answer: "released" };
  if (stored.owner !== owner || stored.state === "completed") return { answer: "refused" };
  return { answer: "released", next: "absent" };
}

/** Nobody can tell whether it executed. `refused`: another owner's, not begun, settled already or gone. */
export function hold(
  stored: StoredRecord | undefined,
  owner: Token,
  reason: UnknownReason,
  now: Now,
): Change<"held" | "refused"> {
  const record = asRead(stored, now);
  if (record?.owner !== owner) return { answer: "refused" };
  if (record.state !== "executing" && record.state !== "unknown") return { answer: "refused" };
  const { fingerprint, credential, startedAt } = record;
  return { answer: "held", next: { state: "unknown", owner, fingerprint, credential, startedAt, reason } };
}

/**
 * Done to a holder whose turn is over by whoever comes next (turn.ts): what it was about to begin it may not begin any more, and
 * what it began may have been executed. Without effect on another owner's operation, and on one that has ended.
 */
export function revoke(stored: StoredRecord | undefined, owner: Token, now: Now): Change<"revoked"> {
  const record = live(stored, owner, now);
  if (record === undefined) return { answer: "revoked" };
  if (record.state === "claimed") return { answer: "revoked", next: "absent" };
  const { fingerprint, credential, startedAt } = record;
  const next = { state: "unknown" as const, owner, fingerprint, credential, startedAt, reason: "owner-lost" as const };
  return { answer: "revoked", next };
}

/**
 * The operation was looked for in the API while it was unknown, and was not there. `firstAgoMs`: for how long that has been known, by
 * the clock that says less: 0 where it was the first look, also after a clock ran backwards. From then on the record is written as
 * unknown, so that an owner whose lease was over by mistake cannot renew it between two looks. `gatewayAt`: FirstLook.
 */
export function look(
  stored: StoredRecord | undefined,
  owner: Token,
  gatewayAt: number,
  now: Now,
): Change<{ kind: "looked"; firstAgoMs: number } | { kind: "refused" }> {
  const record = asRead(stored, now);
  if (record?.owner !== owner || record.state !== "unknown") return { answer: { kind: "refused" } };
  const { at, gatewayAt: gatewayThen } = record.firstLook ?? { at: now.lease, gatewayAt };
  const firstAgoMs = Math.min(now.lease - at, gatewayAt - gatewayThen);
  if (record.firstLook !== undefined && firstAgoMs >= 0) return { answer: { kind: "looked", firstAgoMs } };
  const next = { ...record, firstLook: { at: now.lease, gatewayAt } };
  return { answer: { kind: "looked", firstAgoMs: 0 }, next };
}

/** What a person or a probe found in the API about an operation that was unknown. `owner`: of the record that they judged. */
export type Resolution = { owner: Token } & (
  | { verdict: "executed"; answer: Uint8Array; retentionMs: number }
  | { verdict: "not-executed" }
);

/**
 * Ends an unknown by what was found. `absent`: no record stands, so there is nothing to resolve, or a lost reply said so before.
 * `refused`: it is another operation than the one that was judged, or not unknown any more. The owner's own late answer still
 * replaces what was resolved as executed (`complete`).
 */
export function resolve(
  stored: StoredRecord | undefined,
  resolution: Resolution,
  now: Now,
): Change<"resolved" | "absent" | "refused"> {
  const record = asRead(stored, now);
  if (record === undefined) return { answer: "absent" };
  if (record.owner !== resolution.owner) return { answer: "refused" };
  if (record.state === "unknown") {
    if (resolution.verdict === "not-executed") return { answer: "resolved", next: "absent" };
    const { owner, fingerprint, credential, startedAt } = record;
    const next = { state: "completed" as const, owner, fingerprint, credential, startedAt, answer: resolution.answer };
    return { answer: "resolved", next };
  }
  const isRepeated =
    record.state === "completed" && resolution.verdict === "executed" && isSame(record.answer, resolution.answer);
  return { answer: isRepeated ? "resolved" : "refused" };
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
