import { randomBytes } from "node:crypto";
import { parse, v7 } from "uuid";
import type { Attempt } from "../../src/domain/claim.ts";
import type { Name, Token } from "../../src/domain/record.ts";
import type { Completion } from "../../src/domain/settlement.ts";
import type { Store } from "../../src/store/records.ts";

export const SECOND = 1_000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** The lease of every attempt here. Far longer than a test takes on slow cores: only `advance` ends it. */
export const LEASE = 20 * SECOND;
export const KEEP = 30 * DAY;
export const RETENTION = 24 * HOUR;

export const anyToken = (): Token => randomBytes(16).toString("base64url");
export const anyOwner = (): Token => Buffer.from(parse(v7())).toString("base64url");
export const anyName = (): Name => `${anyToken()}.${anyToken()}`;

/** A first claim of an operation by a new owner, with time enough to arrive. */
export function anAttempt(store: Store, differing: Partial<Attempt> = {}): Attempt {
  return {
    owner: anyOwner(),
    fingerprint: anyToken(),
    credential: anyToken(),
    into: "executing",
    leaseMs: LEASE,
    deadline: store.records.time(anyName()) + 5 * SECOND,
    keepMs: KEEP,
    ...differing,
  };
}

/** Another client's or gateway's attempt at the same request. */
export function aRetry(store: Store, first: Attempt, differing: Partial<Attempt> = {}): Attempt {
  const { fingerprint, credential } = first;
  return anAttempt(store, { fingerprint, credential, ...differing });
}

export function theAnswer(attempt: Attempt, answer: string | Uint8Array, retentionMs = RETENTION): Completion {
  const { owner, fingerprint, credential } = attempt;
  return { owner, fingerprint, credential, startedAt: Date.now(), answer: Buffer.from(answer), retentionMs };
}
