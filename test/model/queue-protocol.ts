import { revoke } from "../../src/domain/settlement.ts";
import { enter, renewTurn } from "../../src/domain/turn.ts";

/** One tick in ms. */
export const TICK = 1_000;
export const LEASE = 1 * TICK;
export const ALIVE = 1 * TICK;
export const PATIENCE = 2 * TICK;

export type Bounds = {
  operations: number;
  ticks: number;
  renewals: boolean;
  /** Of what is asked in the line, under way at once. */
  copies: 1 | 2;
};

/** What decides: the domain's functions and the rules that owners keep. An unsafe variant replaces one of them. */
export type Protocol = {
  enter: typeof enter;
  renew: typeof renewTurn;
  revoke: typeof revoke;
  /** Asked in the tick of the first byte. */
  maySend(now: number, turnUntil: number, recordUntil: number): boolean;
  /** Whether a renewal counts for a turn that was good until then. */
  mayCarryOn(now: number, turnUntil: number): boolean;
  /** From when on the lease of an acknowledged asking counts. */
  countsFrom(sentAt: number, heardAt: number): number;
  /** From when on nothing that was asked can arrive any more. */
  leftAt(deadline: number): number;
};

export const PROTOCOL: Protocol = {
  enter,
  renew: renewTurn,
  revoke,
  maySend: (now, turnUntil, recordUntil) => now < turnUntil && now < recordUntil,
  mayCarryOn: (now, turnUntil) => now < turnUntil,
  countsFrom: (sentAt) => sentAt,
  leftAt: (deadline) => deadline,
};
