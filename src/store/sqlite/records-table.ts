import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { LONGEST_LEASE, unknownReason } from "../../domain/record.ts";
import type { Name, Now, StoredRecord } from "../../domain/record.ts";

/** A record and the wall clock's time from which it is absent. */
export type Entry = { record: StoredRecord; expires: number };

/** Loads and saves within the caller's transaction, and decides nothing. */
export function recordsTable(db: DatabaseSync) {
  const select = db.prepare("SELECT * FROM record WHERE name = ? AND expires > ?");
  const upsert = db.prepare(`
    INSERT INTO record
      (name, state, owner, fingerprint, credential, started_at, expires, lease_until, reason, answer)
    VALUES
      (:name, :state, :owner, :fingerprint, :credential, :startedAt, :expires, :leaseUntil, :reason, :answer)
    ON CONFLICT (name) DO UPDATE SET
      state = excluded.state, owner = excluded.owner, fingerprint = excluded.fingerprint,
      credential = excluded.credential, started_at = excluded.started_at, expires = excluded.expires,
      lease_until = excluded.lease_until, reason = excluded.reason, answer = excluded.answer`);
  const remove = db.prepare("DELETE FROM record WHERE name = ?");
  // The negation of leaseIsGood (domain/record.ts), as a condition that the index `unsettled` answers.
  const lapsed = `state = 'executing' AND (lease_until <= :lease OR lease_until > :lease + ${LONGEST_LEASE})`;
  const countUnknown = db.prepare(`
    SELECT count(*) AS unknowns FROM record
    WHERE state IN ('executing', 'unknown') AND expires > :wall AND (state = 'unknown' OR (${lapsed}))`);

  return {
    load(name: Name, now: Now): Entry | undefined {
      const row = select.get(name, now.wall);
      return row && { record: fromRow(row), expires: number(row, "expires") };
    },
    save(name: Name, { record, expires }: Entry): void {
      const { state, owner, fingerprint, credential, startedAt } = record;
      upsert.run({
        name,
        state,
        owner,
        fingerprint,
        credential,
        startedAt,
        expires,
        leaseUntil: "leaseUntil" in record ? record.leaseUntil : null,
        reason: "reason" in record ? record.reason : null,
        answer: "answer" in record ? record.answer : null,
      });
    },
    remove(name: Name): void {
      remove.run(name);
    },
    countUnknown(now: Now): number {
      return Number(countUnknown.get(now)?.["unknowns"]);
    },
  };
}

type Row = Record<string, SQLOutputValue>;

function fromRow(row: Row): StoredRecord {
  const started = {
    owner: text(row, "owner"),
    fingerprint: text(row, "fingerprint"),
    credential: text(row, "credential"),
    startedAt: number(row, "started_at"),
  };
  const state = text(row, "state");
  switch (state) {
    case "claimed":
    case "executing":
      return { state, ...started, leaseUntil: number(row, "lease_until") };
    case "completed":
      return { state, ...started, answer: bytes(row, "answer") };
    case "unknown":
      return { state, ...started, reason: unknownReason(text(row, "reason")) };
  }
  throw new Error(`a record has the state "${state}", which this version does not know`);
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw new Error(`a record has no text in ${column}`);
}

function number(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === "number") return value;
  throw new Error(`a record has no number in ${column}`);
}

function bytes(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (value instanceof Uint8Array) return value;
  throw new Error(`a record has no bytes in ${column}`);
}
