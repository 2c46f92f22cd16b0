import { asRead, leaseIsGood } from "./record.ts";
import type { Completed, Identity, Now, StoredRecord, Unknown } from "./record.ts";

/** One attempt to become the owner of an operation. All copies of it that are ever sent are equal. */
export type Attempt = Identity & {
  /** `claimed` only where the operation must wait for its turn: nothing may be sent before `begin`. */
  into: "claimed" | "executing";
  leaseMs: number;
  /** On the store's lease clock: a copy that arrives later must not take what its sender gave up on. */
  deadline: number;
  /** How long the record stays when its owner never comes back: the retention of unknown records. */
  keepMs: number;
};

export type ClaimAnswer =
  /** The caller owns the operation: newly, or because an earlier copy of this very attempt got through (lease renewed). */
  | { kind: "claimed" | "yours" }
  | { kind: "in_flight"; startedAt: number }
  | { kind: "completed"; record: Completed }
  | { kind: "unknown"; record: Unknown }
  /** The key stands for another request. */
  | { kind: "mismatch"; startedAt: number }
  /** Nothing was taken and this attempt never will be: its deadline is over. Not said to someone who holds the claim. */
  | { kind: "too_late" }
  /** Nothing was taken: the store lost data, and nobody has accepted that yet. Said by stores, not decided here. */
  | { kind: "store_lost" };

/** Deadlines are a few seconds; one that lies further ahead than this was reckoned before the clock ran backwards. */
export const LONGEST_CLAIM = 10_000;

/**
 * What a claim means for the record that stands. The order is the protocol (DESIGN, section 10): the owner is looked at
 * before the deadline, the fingerprint before the state, and only `claimed` is ever taken over.
 * `next` is the record to write, absent where nothing changes.
 */
export function decideClaim(
  stored: StoredRecord | undefined,
  attempt: Attempt,
  now: Now,
): { answer: ClaimAnswer; next?: StoredRecord } {
  const record = asRead(stored, now);
  const inFlight = record?.state === "claimed" || record?.state === "executing";
  const lease = { leaseUntil: now.lease + attempt.leaseMs, leaseMs: attempt.leaseMs };

  if (inFlight && record.owner === attempt.owner && leaseIsGood(record, now.lease))
    return { answer: { kind: "yours" }, next: { ...record, ...lease } };

  if (record === undefined || (record.state === "claimed" && !leaseIsGood(record, now.lease))) {
    if (!deadlineIsAhead(attempt.deadline, now.lease)) return { answer: { kind: "too_late" } };
    const { owner, fingerprint, credential, into } = attempt;
    return {
      answer: { kind: "claimed" },
      next: { state: into, owner, fingerprint, credential, startedAt: now.wall, ...lease },
    };
  }
  if (record.fingerprint !== attempt.fingerprint) return { answer: { kind: "mismatch", startedAt: record.startedAt } };

  switch (record.state) {
    case "claimed":
    case "executing":
      return { answer: { kind: "in_flight", startedAt: record.startedAt } };
    case "completed":
      return { answer: { kind: "completed", record } };
    case "unknown":
      return { answer: { kind: "unknown", record } };
  }
}

function deadlineIsAhead(deadline: number, now: number): boolean {
  return now < deadline && deadline - now <= LONGEST_CLAIM;
}
