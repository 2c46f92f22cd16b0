import { setTimeout as sleep } from "node:timers/promises";
import type { Identity, Name, Token, UnknownReason } from "../domain/record.ts";
import type { Kept } from "../domain/replay.ts";
import { sealKept } from "./codec.ts";
import type { Keyring } from "./keyring.ts";
import { StoreError, storeErrorOnly } from "./records.ts";
import type { Records } from "./records.ts";
import { Renewal } from "./renewal.ts";

/** As a claim's (owner.ts). */
const BEGIN_WITHIN_MS = 1_500;
const BEGIN_PAUSE_MS = 100;

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

/**
 * A claimed operation in its owner's hands: renewed from the start until it is settled, once, as completed, released or held.
 * A settle resolves to whether the store acknowledged it while a client would wait; it is sent until the store answers.
 */
export class Lease {
  readonly #settings: LeaseSettings;
  readonly #startedAt = Date.now();
  readonly #renewal: Renewal;
  #onSettled: (as: "completed" | "released") => void = () => {};

  constructor(settings: LeaseSettings) {
    this.#settings = settings;
    const { records, name, identity, leaseMs, firstSentAt: sentAt } = settings;
    this.#renewal = new Renewal({ leaseMs, sentAt, renew: () => records.renew(name, identity.owner, leaseMs) });
  }

  /** Asked right before the first byte leaves. This clock can only forbid sending. */
  isGood(): boolean {
    return this.#renewal.isGood();
  }

  /** Whose operation it is: what a turn of the document's is taken for. */
  get holder(): { owner: Token; name: Name } {
    return { owner: this.#settings.identity.owner, name: this.#settings.name };
  }

  /** `onSettled`: called when the store has acknowledged it, with whatever else stands and falls with the operation. */
  whenSettled(onSettled: (as: "completed" | "released") => void): void {
    this.#onSettled = onSettled;
  }

  /**
   * Permits the first byte of what was claimed to wait. Throws StoreError where the store cannot be asked: what may have begun all the
   * same is released like anything that was not sent.
   */
  async begin(): Promise<"begun" | "lost" | "store_lost"> {
    const { records, name, identity, leaseMs } = this.#settings;
    const giveUpAt = performance.now() + BEGIN_WITHIN_MS;
    for (;;) {
      const sentAt = performance.now();
      const said = await records.begin(name, identity.owner, leaseMs).catch(storeErrorOnly);
      // As a renewal: what was over on this clock may have been revoked, and taken back by a late copy of the claim.
      if (said === "begun" && this.isGood()) this.#renewal.carriedOn(sentAt);
      if (!(said instanceof StoreError)) return said;
      if (performance.now() + BEGIN_PAUSE_MS > giveUpAt) throw said;
      await sleep(BEGIN_PAUSE_MS);
    }
  }

  /** The upstream's whole answer, or what is kept of it. `retentionMs`: how long, from now. */
  complete(kept: Kept, retentionMs: number): Promise<boolean> {
    const { records, keyring, name, identity } = this.#settings;
    const sealed = sealKept(keyring, name, identity, kept);
    return this.#settle(async () => {
      const completion = { ...identity, startedAt: this.#startedAt, answer: await sealed, retentionMs };
      const said = await records.complete(name, completion);
      if (said === "recreated") this.#settings.onAlarm({ alarm: "record-recreated", name });
      if (said !== "refused") this.#onSettled("completed");
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
    if (isStored) this.#onSettled("released");
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
    this.#renewal.stop();
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
}
