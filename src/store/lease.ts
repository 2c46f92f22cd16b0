import type { Identity, Name, UnknownReason } from "../domain/record.ts";
import type { Kept } from "../domain/replay.ts";
import { sealKept } from "./codec.ts";
import type { Keyring } from "./keyring.ts";
import type { Records } from "./records.ts";

/** What must never happen while the store keeps what it acknowledged; somebody has to look. */
export type Alarm =
  | { alarm: "record-recreated" | "settle-refused"; name: Name }
  | { alarm: "answer-unreadable"; name: Name; why: string };

export type LeaseSettings = {
  records: Records;
  keyring: Keyring;
  leaseMs: number;
  onAlarm: (alarm: Alarm) => void;
  name: Name;
  identity: Identity;
  /** On this process's monotonic clock: a lease is counted from the first sending of what the store acknowledged. */
  firstSentAt: number;
  /** Sends until the store answers; resolves to false where it refused, or did not answer while a client would wait. */
  settle: (send: () => Promise<boolean>) => Promise<boolean>;
  /** Called after a release: a delayed copy of the claim must not take the freed key for nobody. */
  withdrawLater: () => void;
  /** Called when the lease is no longer renewed; may be called again. */
  onEnd: () => void;
};

/** Renewed this often in a lease's length: two renewals may fail or wait for a busy store before it is over. */
const RENEWALS_PER_LEASE = 3;

/**
 * A claimed operation in its owner's hands: renewed from the start until it is settled, once, as completed, released or held.
 * A settle resolves to whether the store acknowledged it while a client would wait; it is sent until the store answers.
 */
export class Lease {
  readonly #settings: LeaseSettings;
  readonly #startedAt = Date.now();
  #goodUntil: number;
  #isLost = false;
  #isOver = false;
  #renewal: NodeJS.Timeout | undefined;

  constructor(settings: LeaseSettings) {
    this.#settings = settings;
    this.#goodUntil = settings.firstSentAt + settings.leaseMs;
    this.#renewAfter(settings.leaseMs / RENEWALS_PER_LEASE);
  }

  /** Asked right before the first byte leaves. This clock can only forbid sending. */
  isGood(): boolean {
    return !this.#isLost && performance.now() < this.#goodUntil;
  }

  /** The upstream's whole answer, or what is kept of it. `retentionMs`: how long, from now. */
  complete(kept: Kept, retentionMs: number): Promise<boolean> {
    const { records, keyring, name, identity } = this.#settings;
    const answer = sealKept(keyring, name, identity, kept);
    const completion = { ...identity, startedAt: this.#startedAt, answer, retentionMs };
    return this.#settle(async () => {
      const said = await records.complete(name, completion);
      if (said === "recreated") this.#settings.onAlarm({ alarm: "record-recreated", name });
      return said !== "refused";
    });
  }

  /** Only where the operation certainly did not execute. */
  async release(): Promise<boolean> {
    const { records, name, identity, withdrawLater } = this.#settings;
    let isRepeated = false; // an earlier sending may have freed the key, for another owner who has it by now
    const isStored = await this.#settle(async () => {
      const mayBeAnothers = isRepeated;
      isRepeated = true;
      return (await records.release(name, identity.owner)).answer === "released" || mayBeAnothers;
    });
    withdrawLater();
    return isStored;
  }

  /** Nobody can tell whether it executed. */
  hold(reason: UnknownReason): Promise<boolean> {
    const { records, name, identity } = this.#settings;
    return this.#settle(async () => (await records.hold(name, identity.owner, reason)) === "held");
  }

  /** No longer renewed. Where nothing was settled the lease runs out, and the record reads as unknown. */
  stopRenewing(): void {
    clearTimeout(this.#renewal);
    this.#isOver = true;
    this.#settings.onEnd();
  }

  #settle(send: () => Promise<boolean>): Promise<boolean> {
    this.stopRenewing();
    return this.#settings.settle(async () => {
      const isOurs = await send();
      if (!isOurs) this.#settings.onAlarm({ alarm: "settle-refused", name: this.#settings.name });
      return isOurs;
    });
  }

  #renewAfter(ms: number): void {
    this.#renewal = setTimeout(() => void this.#renew(), ms);
  }

  async #renew(): Promise<void> {
    const { records, name, identity, leaseMs } = this.#settings;
    const sentAt = performance.now();
    const said = await records.renew(name, identity.owner, leaseMs).catch(() => "unheard" as const);
    if (this.#isOver) return;
    switch (said) {
      case "renewed":
        this.#goodUntil = sentAt + leaseMs;
        return this.#renewAfter(leaseMs / RENEWALS_PER_LEASE);
      case "unheard":
        return this.#renewAfter(leaseMs / (4 * RENEWALS_PER_LEASE));
      case "lost":
        this.#isLost = true;
        return;
    }
  }
}
