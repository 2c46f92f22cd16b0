import { decideClaim } from "../../src/domain/claim.ts";
import { complete, hold, release, renew, resolve } from "../../src/domain/settlement.ts";

/** One tick in ms: the domain's bounds (LONGEST_LEASE, LONGEST_CLAIM) are far above all that happens here. */
export const TICK = 1_000;
export const LEASE = 2 * TICK;
export const CLAIM_WITHIN = 1 * TICK;
/** From its sending on, the upstream may act on a request for this long, its connection gone or not. */
export const UPSTREAM_ACTS_WITHIN = 1 * TICK;
/** Lease + what the upstream may still do: how far two looks lie apart. */
export const QUARANTINE = LEASE + UPSTREAM_ACTS_WITHIN;

/** What is searched, and how large. */
export type Bounds = {
  attempts: number;
  ticks: number;
  /** Owners renew. */
  renewals: boolean;
  /** Somebody looks in the API; the upstream may act late, and an answer may not come. Without, it acts at once. */
  operator: boolean;
  /** The store loses everything, once. */
  loss: boolean;
  /** Of a claim and of a release, under way at once: late copies matter of what makes an owner, and of what frees a key. */
  copies: 1 | 2;
};

/** What decides: the domain's functions and the rules that owners keep. An unsafe variant replaces one of them. */
export type Protocol = {
  claim: typeof decideClaim;
  complete: typeof complete;
  release: typeof release;
  hold: typeof hold;
  renew: typeof renew;
  resolve: typeof resolve;
  /** Asked in the tick of the first byte. */
  maySend(now: number, goodUntil: number): boolean;
  /** A claim of unclear fate is sent again as the same attempt. */
  resendsAs: "same" | "new";
  /** From when on a release may be believed to be the last word on a claim that was given up. */
  withdrawnAt(deadline: number): number;
  /** An owner whose upstream said nothing: it may have acted. */
  afterSilence: "hold" | "release";
  looks: 1 | 2;
};

export const PROTOCOL: Protocol = {
  claim: decideClaim,
  complete,
  release,
  hold,
  renew,
  resolve,
  maySend: (now, goodUntil) => now < goodUntil,
  resendsAs: "same",
  withdrawnAt: (deadline) => deadline,
  afterSilence: "hold",
  looks: 2,
};
