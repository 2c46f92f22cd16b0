import { randomBytes } from "node:crypto";
import { NO_MARK, judge, markText, raising, readMark } from "../domain/continuity.ts";
import type { Mark, MarkText, Remembered } from "../domain/continuity.ts";
import { acceptLoss } from "./acceptance.ts";
import type { Accepted } from "./acceptance.ts";
import { MOST_READINGS, replaceAll } from "./marks.ts";
import type { Marks } from "./marks.ts";
import { StoreError } from "./records.ts";
import { Witness } from "./witness.ts";

/** Shorter ones in tests. */
export type Intervals = {
  /** How often the store is looked at while nothing happens. */
  lookEveryMs: number;
  /** For so long nothing is started on a server that was not there before: every other gateway can look at it first. */
  quietMs: number;
};

export const INTERVALS: Intervals = { lookEveryMs: 10_000, quietMs: 5_000 };

/** How soon a new connection is looked at by a gateway that nobody asks for anything; far less than the quiet time. */
const TICK_MS = 250;
/** A loss is over as soon as it is accepted, and raised until everybody has it. */
const LOOK_AT_LOSS_MS = 1_000;

/** `lost`: nothing is started. `unseen`: it was not looked at yet. */
export type Standing =
  | { kind: "whole" | "unseen"; id: string | undefined }
  | { kind: "lost"; id: string | undefined; why: string }
  /** It has another id than ONCEGATE_STORE_ID: only this process refuses it. */
  | { kind: "foreign"; id: string; why: string };

/** What a claim carries. `refusal`: why it must start nothing, and is sent only for what stands there already. */
export type Pass = Remembered & { partition: number; contact: number; refusal: StoreError | "store_lost" | undefined };

/**
 * Notices a store that lost what it acknowledged, and then stops everybody until somebody accepts it (docs/loss.md). One for each
 * open store: it remembers the mark that it works under and, by partition, its own last acknowledged claim.
 */
export class Continuity {
  readonly #marks: Marks;
  readonly #pinned: string | undefined;
  readonly #intervals: Intervals;
  readonly #newId = randomBytes(12).toString("base64url");
  readonly #tick: NodeJS.Timeout;
  #standing: Standing = { kind: "unseen", id: undefined };
  /** What it works under, or the flag that it stopped under. */
  #mark: MarkText | undefined;
  readonly #witness = new Witness();
  #era = 0;
  #firstWholeAt = Infinity;
  #lookedOn: number | undefined;
  #lookedAt = -Infinity;
  #looking: Promise<void> | undefined;
  #tell: (standing: Standing) => void = () => {};

  constructor(marks: Marks, pinned: string | undefined, intervals: Intervals) {
    this.#marks = marks;
    this.#pinned = pinned;
    this.#intervals = intervals;
    this.#tick = setInterval(() => this.#lookIfDue(), Math.min(TICK_MS, intervals.lookEveryMs)).unref();
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Counts how often a mark was adopted, 0 before the first time. Names made in an earlier era are not claimed: their secret may be gone. */
  get era(): number {
    return this.#era;
  }

  /** Hears of every change, and of how it stands now. */
  onChange(tell: (standing: Standing) => void): void {
    this.#tell = tell;
    tell(this.#standing);
  }

  /** Resolves when the store was looked at since it was connected. Throws StoreError while it cannot be. */
  async looked(): Promise<void> {
    if (!this.#isLookedAt()) await this.look();
  }

  /** As `looked`; throws StoreError also where nothing may be started for another reason than a loss. */
  async ready(): Promise<void> {
    await this.looked();
    const quiet = this.#quiet();
    if (quiet !== undefined && this.#standing.kind === "whole") throw quiet;
  }

  /** For one claim, in the tick in which it is sent. */
  pass(partition: number): Pass {
    const contact = this.#marks.contact().made;
    const refusal = this.#refusal();
    if (refusal === undefined) return { ...this.#remembered(partition), partition, contact, refusal };
    return { mark: NO_MARK, count: 0, partition, contact, refusal };
  }

  /**
   * The store took it, as the `count`th of this process in that partition, and everybody who must have it has it. Throws StoreError
   * (ambiguous) where that may have been another server, or the mark is another one since.
   */
  acknowledged({ mark, partition, contact }: Pass, count: number): void {
    if (contact !== this.#marks.contact().made || mark !== this.#mark)
      throw new StoreError("ambiguous", "the store was connected anew while it took a claim");
    this.#witness.acknowledged(partition, count);
  }

  /** What a claim means that the store refused to start. Throws StoreError where the next one may be taken. */
  refused({ refusal }: Pass): "store_lost" {
    if (refusal === "store_lost") return refusal;
    if (refusal !== undefined) throw refusal;
    this.#lookedOn = undefined;
    this.#lookIfDue();
    throw new StoreError("unsent", "the store does not stand as it did at the last look");
  }

  /** Looks at the whole store, now or as the look under way does. Throws StoreError where it cannot be told how it stands. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Operations go on, whatever was lost. `not-lost`: nothing has to be accepted; `foreign`: another store than the configured one. */
  async accept(said: { by: string; why: string }): Promise<Accepted> {
    await this.look();
    if (this.#standing.kind !== "lost") return this.#standing.kind === "foreign" ? "foreign" : "not-lost";
    const accepted = await acceptLoss(this.#marks, { known: this.#known(), pinned: this.#pinned }, said);
    // A look that is under way may have begun before.
    await this.#looking?.catch(() => {});
    if (accepted === "accepted") await this.look();
    return accepted;
  }

  close(): void {
    clearInterval(this.#tick);
  }

  #lookIfDue(): void {
    const isLost = this.#standing.kind === "lost" || this.#standing.kind === "foreign";
    const every = isLost ? Math.min(LOOK_AT_LOSS_MS, this.#intervals.lookEveryMs) : this.#intervals.lookEveryMs;
    if (this.#isLookedAt() && performance.now() - this.#lookedAt < every) return;
    // What keeps it from looking, a verb meets as well.
    void this.look().catch(() => {});
  }

  #isLookedAt(): boolean {
    return this.#lookedOn === this.#marks.contact().made;
  }

  #refusal(): Pass["refusal"] {
    if (this.#standing.kind === "lost" || this.#standing.kind === "foreign") return "store_lost";
    if (this.#isLookedAt()) return this.#quiet();
    this.#lookIfDue();
    return new StoreError("unsent", "the store is looked at first: was anything lost?");
  }

  #quiet(): StoreError | undefined {
    const { anotherAt } = this.#marks.contact();
    // A fresh process remembers nothing that it could miss.
    if (anotherAt === undefined || anotherAt <= this.#firstWholeAt) return undefined;
    const left = anotherAt + this.#intervals.quietMs - performance.now();
    if (left <= 0) return undefined;
    return new StoreError(
      "unsent",
      `the store was restarted or replaced: all gateways look first (${Math.ceil(left)} ms)`,
    );
  }

  async #look(): Promise<void> {
    const contact = this.#marks.contact().made;
    for (let reading = 0, doubts = 0; reading < MOST_READINGS; reading++) {
      // Before it is read: claims go on meanwhile, and count more.
      const remembered = this.#mark === undefined ? undefined : this.#allRemembered();
      const found = await this.#marks.read();
      const judged = judge(found, remembered, { pinned: this.#pinned, newId: this.#newId });
      switch (judged.kind) {
        case "whole":
          this.#adopt(judged.mark);
          return this.#looked(contact);
        case "foreign":
          this.#stand({ kind: "foreign", id: judged.id, why: `its id is ${judged.id}, and not ONCEGATE_STORE_ID` });
          return this.#looked(contact);
        case "unfinished":
          await replaceAll(this.#marks, judged.steps);
          break;
        case "lost": {
          // A look at many partitions is no snapshot, unless a second one shows the same.
          if (!judged.isFlagged && doubts++ === 0) break;
          const { flag, steps } = raising(found, this.#known());
          this.#lose(flag, judged.why);
          this.#looked(contact);
          return replaceAll(this.#marks, steps);
        }
      }
    }
    throw new StoreError("unsent", "the store's marks keep changing");
  }

  #looked(contact: number): void {
    this.#lookedOn = contact;
    this.#lookedAt = performance.now();
  }

  #adopt(mark: MarkText): void {
    if (mark !== this.#mark) {
      this.#mark = mark;
      this.#witness.forget();
      this.#era++;
      this.#firstWholeAt = Math.min(this.#firstWholeAt, performance.now());
    }
    this.#stand({ kind: "whole", id: readMark(mark)?.id });
  }

  #lose(flag: Mark, why: string): void {
    this.#mark = markText(flag);
    this.#witness.forget();
    // What was noticed here first says more than the flag that stands since.
    const said = this.#standing.kind === "lost" && this.#standing.id === flag.id ? this.#standing.why : why;
    this.#stand({ kind: "lost", id: flag.id, why: said });
  }

  #stand(standing: Standing): void {
    const isNew = standing.kind !== this.#standing.kind || standing.id !== this.#standing.id;
    this.#standing = standing;
    if (isNew) this.#tell(standing);
  }

  #known(): Mark | undefined {
    if (this.#mark !== undefined) return readMark(this.#mark);
    return this.#pinned === undefined ? undefined : { id: this.#pinned, generation: 0, isFlagged: false };
  }

  #allRemembered(): Remembered[] {
    return Array.from({ length: this.#marks.partitions }, (_, partition) => this.#remembered(partition));
  }

  #remembered(partition: number): Remembered {
    return { mark: this.#mark ?? NO_MARK, count: this.#witness.count(partition) };
  }
}
