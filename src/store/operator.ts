import type { Name, StoredRecord, Token } from "../domain/record.ts";
import type { Kept } from "../domain/replay.ts";
import { openKept, sealKept } from "./codec.ts";
import type { Keyring } from "./keyring.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import type { Listed, Open, Records } from "./records.ts";

export type OperatorSettings = {
  records: Records;
  keyring: Keyring;
  journal: Journal;
  retentionMs: number;
  /** config/quarantine.ts. */
  quarantineMs: number;
};

/** `by`: who says it; `why`: in their words. Both go into the journal. */
export type Verdict = { owner: Token; by: string; why: string } & (
  | { verdict: "executed"; kept: Extract<Kept, { kind: "operator-answer" | "executed" }> }
  | { verdict: "not-executed" }
);

export type Resolved =
  | { kind: "resolved" | "absent" | "refused" }
  /** The absence was seen for the first time, or too short a time ago: it counts when it is seen again in `inMs`. */
  | { kind: "look-again"; inMs: number };

/** A record as people may see it: of a completed one what is kept, but no body. */
export type Shown = Exclude<StoredRecord, { state: "completed" }> | (StoredRecord & { state: "completed"; kept: Kept });

/** A first look is forgotten after this long: whoever comes back a day later looks again. */
const LOOK_MS = 86_400_000;

/** What a person may do with records. The journal has it all. Everything here throws StoreError when the store cannot be asked. */
export class Operator {
  readonly #settings: OperatorSettings;
  /** First looks that found an operation absent, by name and owner: when, on this process's monotonic clock. */
  readonly #looks = new Map<string, number>();

  constructor(settings: OperatorSettings) {
    this.#settings = settings;
  }

  list(state: Open["state"], limit: number): Promise<Listed[]> {
    return this.#settings.records.list(state, limit);
  }

  async show(name: Name): Promise<Shown | undefined> {
    const { records, keyring } = this.#settings;
    const record = await records.read(name);
    return record?.state === "completed" ? { ...record, kept: openKept(keyring, name, record) } : record;
  }

  find(keyHash: Token): Promise<Name[]> {
    return this.#settings.records.find(keyHash);
  }

  journal(limit: number): Promise<JournalEntry[]> {
    return this.#settings.journal.latest(limit);
  }

  /**
   * Ends an unknown by what a person found in the API. "Not executed" takes two looks, both while it is unknown and
   * quarantineMs apart (DESIGN, section 10).
   */
  async resolve(name: Name, said: Verdict): Promise<Resolved> {
    const { records, keyring, retentionMs } = this.#settings;
    const { owner, verdict, by, why } = said;
    const record = await records.read(name);
    if (record === undefined) return { kind: "absent" };
    if (record.state !== "unknown" || record.owner !== owner) return { kind: "refused" };
    const note = { event: "resolved", name, owner, verdict, by, why } as const;
    if (said.verdict === "executed") {
      const answer = await sealKept(keyring, name, record, said.kept);
      return { kind: await records.resolve(name, { owner, verdict: "executed", answer, retentionMs }, note) };
    }
    const inMs = this.#lookAgainIn(name, owner);
    if (inMs > 0) return { kind: "look-again", inMs };
    return { kind: await records.resolve(name, { owner, verdict: "not-executed" }, note) };
  }

  /** ms until a look counts as the second one. */
  #lookAgainIn(name: Name, owner: Token): number {
    const now = performance.now();
    for (const [look, at] of this.#looks) if (now - at > LOOK_MS) this.#looks.delete(look);
    const look = `${name} ${owner}`;
    const first = this.#looks.get(look) ?? now;
    this.#looks.set(look, first);
    return Math.max(0, Math.ceil(first - now + this.#settings.quarantineMs));
  }
}
