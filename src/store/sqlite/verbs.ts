import type { DatabaseSync } from "node:sqlite";
import { decideClaim } from "../../domain/claim.ts";
import type { Attempt, ClaimAnswer } from "../../domain/claim.ts";
import { isContinued } from "../../domain/continuity.ts";
import type { Found, MarkText, Remembered } from "../../domain/continuity.ts";
import { asRead } from "../../domain/record.ts";
import type { Name, Now, StoredRecord, Token, UnknownReason } from "../../domain/record.ts";
import { begin, complete, hold, look, release, renew, resolve, revoke } from "../../domain/settlement.ts";
import type { Change, Completion, Resolution } from "../../domain/settlement.ts";
import type { JournalEntry, Note } from "../journal.ts";
import type { Listed, Open } from "../records.ts";
import { now } from "./clock.ts";
import { journalTable } from "./journal-table.ts";
import { marksTable } from "./marks-table.ts";
import { originalVerbs } from "./original-verbs.ts";
import { recordsTable } from "./records-table.ts";
import { turnVerbs } from "./turn-verbs.ts";

/** What a process remembers of the file; only claims name it, for they are counted. */
export type Witness = Remembered & { process: string };
export type Started<Answer> = { answer: Answer; count: number };

export type Verbs = ReturnType<typeof verbs>;

/**
 * What the thread can be asked, each within the transaction of its batch: load the record, let the domain decide, save
 * what it says. The clocks are read here, after the lock was waited for.
 */
export function verbs(db: DatabaseSync) {
  const table = recordsTable(db);
  const journal = journalTable(db);
  const marks = marksTable(db);
  const offer = db.prepare("INSERT INTO store_value VALUES ('name_secret', ?) ON CONFLICT (name) DO NOTHING");
  const secret = db.prepare("SELECT value FROM store_value WHERE name = 'name_secret'");
  const replace = db.prepare("UPDATE store_value SET value = ? WHERE name = 'name_secret' AND value = ?");
  const probed = db.prepare(
    "INSERT INTO store_value VALUES ('probed_at', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );

  /** `expires` where the verb sets one; otherwise the record keeps the one it has. */
  function change<Answer>(
    name: Name,
    decide: (record: StoredRecord | undefined, at: Now) => Change<Answer>,
    keepMs?: number,
  ): Answer {
    const at = now();
    const entry = table.load(name, at);
    const { answer, next } = decide(entry?.record, at);
    if (next === "absent") table.remove(name);
    else if (next !== undefined)
      table.save(name, { record: next, expires: keepMs === undefined ? entry!.expires : at.wall + keepMs });
    return answer;
  }

  /** What lets an operation start changes something only where the file has all that was acknowledged. */
  function start<Answer, Lost>(
    witness: Witness,
    decide: (record: StoredRecord | undefined, at: Now) => Change<Answer>,
    lost: Lost,
  ): (record: StoredRecord | undefined, at: Now) => Change<Answer | Lost> {
    return (record, at) => {
      const decided = decide(record, at);
      if (decided.next === undefined || decided.next === "absent") return decided;
      if (!isContinued(witness, marks.read(witness.process))) return { answer: lost };
      if (decided.next.state === "executing" && record?.state !== "executing") marks.countOne(witness.process, at.wall);
      return decided;
    };
  }
  const started = <Answer>(witness: Witness, answer: Answer): Started<Answer> => ({
    answer,
    count: marks.read(witness.process).count,
  });

  return {
    ...turnVerbs(db),
    ...originalVerbs(db),
    claim: (name: Name, attempt: Attempt, witness: Witness): Started<ClaimAnswer> =>
      started(
        witness,
        change(
          name,
          start(witness, (record, at) => decideClaim(record, attempt, at), { kind: "store_lost" } as const),
          attempt.keepMs,
        ),
      ),
    begin: (name: Name, owner: Token, leaseMs: number, witness: Witness) =>
      started(
        witness,
        change(
          name,
          start(witness, (record, at) => begin(record, owner, leaseMs, at), "store_lost" as const),
        ),
      ),
    marks: (process: string): Found => marks.read(process),
    replaceMark: (from: MarkText, to: MarkText, note?: Note): void => {
      if (marks.replace(from, to) && note !== undefined) journal.add(note, now().wall);
    },
    renew: (name: Name, owner: Token, leaseMs: number) =>
      change(name, (record, at) => renew(record, owner, leaseMs, at)),
    complete: (name: Name, completion: Completion) =>
      change(name, (record, at) => complete(record, completion, at), completion.retentionMs),
    release: (name: Name, owner: Token) => ({
      answer: change(name, (record) => release(record, owner)),
      at: now().lease,
    }),
    hold: (name: Name, owner: Token, reason: UnknownReason) =>
      change(name, (record, at) => hold(record, owner, reason, at)),
    revoke: (name: Name, owner: Token) => change(name, (record, at) => revoke(record, owner, at)),
    look: (name: Name, owner: Token, gatewayAt: number) =>
      change(name, (record, at) => look(record, owner, gatewayAt, at)),
    resolve: (name: Name, resolution: Resolution, note: Note) =>
      change(
        name,
        (record, at) => {
          const decided = resolve(record, resolution, at);
          if (decided.next !== undefined) journal.add(note, at.wall);
          return decided;
        },
        resolution.verdict === "executed" ? resolution.retentionMs : undefined,
      ),
    read: (name: Name): StoredRecord | undefined => {
      const at = now();
      return asRead(table.load(name, at)?.record, at);
    },
    list: (state: Open["state"], limit: number): Listed[] => table.list(state, limit, now()),
    find: (keyHash: Token, first: string, end: string): Name[] => table.find(keyHash, first, end),
    names: (first: string, end: string): Name[] => table.names(first, end),
    journal: (limit: number): JournalEntry[] => journal.latest(limit),
    countUnknown: (): number => table.countUnknown(now()),
    /** A real write, so that a full or read-only disk shows. */
    probe: (): void => {
      probed.run(now().wall);
    },
    nameSecret: (candidate: Uint8Array): Uint8Array => {
      offer.run(candidate);
      const value = secret.get()?.["value"];
      if (value instanceof Uint8Array) return value;
      throw new Error("the secret of names is damaged");
    },
    replaceNameSecret: (known: Uint8Array, next: Uint8Array): void => {
      // What stood there, in clear perhaps, is overwritten, which costs more than it is worth anywhere else.
      db.exec("PRAGMA secure_delete = ON");
      replace.run(next, known);
      db.exec("PRAGMA secure_delete = OFF");
    },
  };
}
