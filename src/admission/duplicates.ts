import { setTimeout as sleep } from "node:timers/promises";
import { standingOf } from "../domain/original.ts";
import type { Candidacy, Original } from "../domain/original.ts";
import type { Completed, Name, StoredRecord } from "../domain/record.ts";
import type { Kept } from "../domain/replay.ts";
import type { Lease } from "../store/lease.ts";
import type { Originals } from "../store/originals.ts";
import type { Claim } from "../store/owner.ts";
import { StoreError, storeErrorOnly } from "../store/records.ts";
import type { Records } from "../store/records.ts";

/** As a claim's (owner.ts). */
const WITHIN_MS = 1_500;
const PAUSE_MS = 100;

export type DuplicatesSettings = {
  originals: Originals;
  records: Pick<Records, "time" | "read" | "revoke">;
  /** How long it may matter which operation was the original, where its owner never comes back. */
  unknownRetentionMs: number;
  /** As Owner.open. */
  open(name: Name, record: Completed): Kept;
};

/** How it stands with the original, in the words in which a claim is told of its own key's operation. `name`: the original's. */
export type OfOriginal =
  | Extract<Claim, { kind: "in_flight" | "completed" }>
  | (Extract<Claim, { kind: "unknown" }> & { name: Name });

export type Entered = { kind: "original" | "store_lost" } | { kind: "duplicate"; of: OfOriginal };

/**
 * The owner's side of eliminating duplicates (domain/original.ts): an operation that is claimed and has not begun becomes the original
 * of its likeness, or learns which one is. An original whose owner died before it began is revoked before its place is taken.
 */
export class Duplicates {
  readonly #settings: DuplicatesSettings;

  constructor(settings: DuplicatesSettings) {
    this.#settings = settings;
  }

  /**
   * `isNameCurrent`: as Owner.claim has it. Throws StoreError where the store could not be asked to the end; the operation may not
   * begin then.
   */
  async enter(
    likeness: Name,
    lease: Pick<Lease, "holder" | "whenSettled">,
    { windowMs, isNameCurrent }: { windowMs: number; isNameCurrent: () => boolean },
  ): Promise<Entered> {
    const giveUpAt = performance.now() + WITHIN_MS;
    let gone: Original | undefined;
    for (;;) {
      const candidacy = { own: lease.holder, instead: gone };
      const step = await this.#step(likeness, candidacy, windowMs, isNameCurrent).catch(storeErrorOnly);
      if (!(step instanceof StoreError) && step.kind !== "again") {
        if (step.kind === "original") this.#keepWith(lease, likeness, windowMs);
        return step;
      }
      if (performance.now() + PAUSE_MS > giveUpAt)
        throw step instanceof StoreError ? step : new StoreError("unsent", "others were faster, again and again");
      if (step instanceof StoreError) await sleep(PAUSE_MS);
      else gone = step.gone;
    }
  }

  async #step(
    likeness: Name,
    candidacy: Candidacy,
    windowMs: number,
    isNameCurrent: () => boolean,
  ): Promise<Entered | { kind: "again"; gone: Original | undefined }> {
    const { originals, records, unknownRetentionMs } = this.#settings;
    if (!isNameCurrent()) throw new StoreError("unsent", "the store lost data since the request was named");
    // As long as it may be unknown and then still count, should nobody hear of its end.
    const said = await originals.stand(likeness, candidacy, unknownRetentionMs + windowMs);
    if (said.kind === "stands") return { kind: "original" };
    if (said.kind === "store_lost") return said;

    const { name, owner } = said.by;
    const found = standingOf(said.by, await records.read(name), records.time(name));
    switch (found.kind) {
      case "stands":
        return { kind: "duplicate", of: this.#told(name, found.record) };
      case "gone":
        await records.revoke(name, owner); // changes nothing, but replicas must have it: a server that is cut off may read the past
        return { kind: "again", gone: said.by };
      case "lapsed":
        await records.revoke(name, owner);
        return { kind: "again", gone: undefined }; // it may have begun just before
    }
  }

  #told(name: Name, record: StoredRecord): OfOriginal {
    switch (record.state) {
      case "claimed":
      case "executing":
        return { kind: "in_flight", startedAt: record.startedAt };
      case "unknown":
        return { kind: "unknown", name, record };
      case "completed":
        return { kind: "completed", credential: record.credential, kept: this.#settings.open(name, record) };
    }
  }

  /** Tidying up: what the store does not hear of is found out by whoever finds the record gone. */
  #keepWith(lease: Pick<Lease, "holder" | "whenSettled">, likeness: Name, windowMs: number): void {
    const keepMs = { completed: windowMs, released: 0 };
    lease.whenSettled((as) => {
      this.#settings.originals.keep(likeness, lease.holder, keepMs[as]).catch(storeErrorOnly);
    });
  }
}
