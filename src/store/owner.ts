import { setTimeout as sleep } from "node:timers/promises";
import type { Attempt, ClaimAnswer } from "../domain/claim.ts";
import type { Completed, Identity, Name, Token } from "../domain/record.ts";
import type { Kept } from "../domain/replay.ts";
import { newIdBytes } from "../ids.ts";
import { within } from "../patience.ts";
import { openKept } from "./codec.ts";
import type { Keyring } from "./keyring.ts";
import { Lease } from "./lease.ts";
import type { Alarm } from "./lease.ts";
import { StoreError, storeErrorOnly } from "./records.ts";
import type { Records } from "./records.ts";
import { Resending } from "./resending.ts";

/** Sending a claim again after a lost connection rides out a failover's gap; longer, and the client had better retry itself. */
const CLAIM_WITHIN_MS = 1_500;
const CLAIM_PAUSE_MS = 100;
/** With its name another gateway would not find the record. The client's retry gets a new one. */
const OUTDATED = new StoreError("unsent", "the store lost data since the request was named");
/** The client waits this long for its answer to be stored, then gets it with `Idempotency-Stored: false`. */
const REPLY_WAIT_MS = 1_000;

export type Claim =
  | { kind: "claimed"; lease: Lease }
  | { kind: "completed"; credential: Token; kept: Kept }
  | Extract<ClaimAnswer, { kind: "in_flight" | "unknown" | "mismatch" | "store_lost" }>;

export type OwnerSettings = {
  records: Records;
  keyring: Keyring;
  leaseMs: number;
  /** How long a record stays whose owner never comes back. */
  unknownRetentionMs: number;
  onAlarm: (alarm: Alarm) => void;
};

/**
 * The owner's side of the store: what a gateway has to do besides the verbs, so that an ambiguous store error leaves no orphan
 * behind, no answer is lost while the store is away, and a lease is good as long as its operation runs (DESIGN, section 10).
 */
export class Owner {
  readonly #settings: OwnerSettings;
  /** Operations that run, and settles and withdrawals that the store has not acknowledged yet. */
  readonly #resending = new Resending();

  constructor(settings: OwnerSettings) {
    this.#settings = settings;
  }

  /**
   * `into`: `claimed` where the operation waits for its turn first, and then begins (Lease.begin).
   * Throws StoreError where the store cannot be asked: nothing may be sent then, and what may have been claimed is withdrawn.
   * `isNameCurrent`: whether the store may still have the secret that the name was made with (name-secret.ts).
   */
  async claim(
    name: Name,
    { fingerprint, credential }: Omit<Identity, "owner">,
    isNameCurrent: () => boolean,
    into: Attempt["into"] = "executing",
  ): Promise<Claim> {
    const { records, leaseMs, unknownRetentionMs } = this.#settings;
    const identity = { owner: Buffer.from(newIdBytes()).toString("base64url"), fingerprint, credential };
    const { owner } = identity;
    const deadline = records.time(name) + CLAIM_WITHIN_MS;
    const attempt: Attempt = { ...identity, into, leaseMs, deadline, keepMs: unknownRetentionMs };

    const firstSentAt = performance.now();
    let isAmbiguous = false; // an earlier copy may still arrive, until the deadline
    for (;;) {
      let answer: ClaimAnswer | StoreError = OUTDATED;
      try {
        if (isNameCurrent()) answer = await records.claim(name, attempt); // asked in the tick in which it is sent
      } catch (error) {
        answer = storeErrorOnly(error);
      }
      if (answer instanceof StoreError) {
        isAmbiguous ||= answer.fate === "ambiguous";
        if (answer !== OUTDATED && performance.now() + CLAIM_PAUSE_MS < firstSentAt + CLAIM_WITHIN_MS) {
          await sleep(CLAIM_PAUSE_MS);
          continue;
        }
        if (isAmbiguous) this.#withdraw(name, owner, deadline);
        throw answer;
      }
      const withdrawLater = (): void => {
        if (isAmbiguous) this.#withdraw(name, owner, deadline);
      };
      switch (answer.kind) {
        case "claimed":
        case "yours": {
          const onEnd = this.#resending.begin();
          const own = { name, identity, firstSentAt, settle: this.#settle, withdrawLater, onEnd };
          return { kind: "claimed", lease: new Lease({ ...this.#settings, ...own }) };
        }
        case "too_late":
          withdrawLater();
          throw new StoreError("unsent", "the store answered too late");
        case "completed":
          withdrawLater();
          return { kind: "completed", credential: answer.record.credential, kept: this.open(name, answer.record) };
        case "unknown":
          withdrawLater();
          // Its own claim, of which only the reply was late, by more than a lease: nothing was sent.
          if (answer.record.owner === owner) throw new StoreError("unsent", "the store answered too late");
          return answer;
        case "in_flight":
        case "mismatch":
        case "store_lost":
          withdrawLater();
          return answer;
      }
    }
  }

  /** A claim of that name could only be told how its operation ended, or that it runs. Throws StoreError. */
  async hasBegun(name: Name): Promise<boolean> {
    const record = await this.#settings.records.read(name);
    return record?.state === "completed" || record?.state === "executing";
  }

  /** Throws StoreError, as where the store is away: what was executed must not execute again because its answer is unreadable. */
  open(name: Name, record: Completed): Kept {
    try {
      return openKept(this.#settings.keyring, name, record);
    } catch (error) {
      const { message: why } = storeErrorOnly(error);
      this.#settings.onAlarm({ alarm: "answer-unreadable", name, why });
      throw error;
    }
  }

  /** Resolves when no operation runs and the store has acknowledged everything that was settled or withdrawn. */
  idle(): Promise<void> {
    return this.#resending.idle();
  }

  /** Sends one settle until the store answers. Resolves to false where that takes longer than a client waits; it goes on then. */
  readonly #settle = (send: () => Promise<boolean>): Promise<boolean> =>
    within(REPLY_WAIT_MS, this.#resending.untilAnswered(send), false);

  /** Frees what a claim of unclear fate may have taken or may still take. */
  #withdraw(name: Name, owner: Token, deadline: number): void {
    this.#resending.takeBack(deadline, () => this.#settings.records.release(name, owner));
  }
}
