import { leaseIsGood } from "./record.ts";
import type { Leased, Name, Token } from "./record.ts";

/**
 * The queue of one document: operations on it have their turn one after the other, in order of arrival. A delete stands in the same
 * line as edits, and only one delete at a time does. Everything here compares owner tokens, decides on the store's lease clock, and
 * answers a repetition as it answered the first time.
 */

/** Whose turn it is. `name`: of the operation's record, for whoever finds this lease over. */
export type Holder = Leased & { owner: Token; name: Name; isDelete: boolean };
/** Somebody in the line. Who does not ask again while its lease is good is taken for dead. */
export type Place = Leased & { owner: Token; ticket: number; isDelete: boolean };

/**
 * What has to be known of a line where somebody asks. Beforehand, the dead at its head are dropped, up to the asker or the first
 * who is alive; the dead elsewhere keep their places, should they come back to life before their turn.
 */
export type Line = {
  holder: Holder | undefined;
  /** The asker's. */
  own: Place | undefined;
  /** Of the first other one who is alive. */
  firstOther: number | undefined;
  /** Another's delete is in the line, alive. */
  isDeleteWaiting: boolean;
  /** Of the last one, dead or alive; 0 where the line is empty. */
  lastTicket: number;
};

export type Entry = {
  owner: Token;
  name: Name;
  isDelete: boolean;
  /** Of the turn. */
  leaseMs: number;
  /** Of the place: so long it stays in the line without asking again. */
  aliveMs: number;
  /** When its patience ends, and how long that was at first. A copy that arrives later must neither wait nor take, for nobody. */
  deadline: number;
  waitMs: number;
  /** The holder whose operation the asker has revoked since it heard that this turn is over. */
  after: Token | undefined;
};

export type EnterAnswer =
  | { kind: "held" }
  /** `ahead`: at most so many are before it, besides the holder. */
  | { kind: "waiting"; ahead: number }
  /** It would be next, but the holder's lease ran out: its operation must be revoked first, then `after` names it. */
  | { kind: "lapsed"; holder: { owner: Token; name: Name } }
  /** Another delete of the document waits or runs. */
  | { kind: "deleting" }
  /** Its deadline is over. Not said to who holds the turn. */
  | { kind: "too_late" };

/** What becomes of the asker: it holds the turn, waits at its place, or is in the line no more. */
export type EnterChange = { answer: EnterAnswer; next: { holder: Holder } | { place: Place } | "gone" };

/** Enters the line, or asks again from within it. */
export function enter(line: Line, entry: Entry, now: number): EnterChange {
  const { holder, own, firstOther } = line;
  const { owner, name, isDelete, leaseMs, aliveMs, after } = entry;
  const next = { holder: { owner, name, isDelete, leaseUntil: now + leaseMs, leaseMs } };
  const held: EnterChange = { answer: { kind: "held" }, next };
  if (holder?.owner === owner) return held;
  const isHeld = holder !== undefined && leaseIsGood(holder, now);

  if (!leaseIsGood({ leaseUntil: entry.deadline, leaseMs: entry.waitMs }, now))
    return { answer: { kind: "too_late" }, next: "gone" };
  if (isDelete && (line.isDeleteWaiting || (isHeld && holder.isDelete)))
    return { answer: { kind: "deleting" }, next: "gone" };

  const ticket = own?.ticket ?? line.lastTicket + 1;
  const place = { owner, ticket, isDelete, leaseUntil: now + aliveMs, leaseMs: aliveMs };
  if (firstOther !== undefined && firstOther < ticket)
    return { answer: { kind: "waiting", ahead: ticket - firstOther }, next: { place } };
  if (isHeld) return { answer: { kind: "waiting", ahead: 0 }, next: { place } };
  if (holder !== undefined && holder.owner !== after)
    return { answer: { kind: "lapsed", holder: { owner: holder.owner, name: holder.name } }, next: { place } };
  return held;
}

/** A turn whose lease is over is lost, though nobody may have taken it yet: somebody may be about to. */
export function renewTurn(holder: Holder | undefined, owner: Token, leaseMs: number, now: number): Holder | "lost" {
  if (holder?.owner !== owner || !leaseIsGood(holder, now)) return "lost";
  return { ...holder, leaseUntil: now + leaseMs, leaseMs };
}
