import type { DatabaseSync } from "node:sqlite";
import { asRead, unknownReason } from "../../domain/record.ts";
import type { Name, Now, StoredRecord, Token, Unknown, UnknownReason } from "../../domain/record.ts";
import type { Listed, Open } from "../records.ts";
import { bytes, integer, text } from "./row.ts";
import type { Row } from "./row.ts";

/**
 * A record and the wall clock's time at which its retention ends. A completed one is absent from then on; one that nobody knows
 * the end of stays until the sweep has noted in the journal that it goes.
 */
export type Entry = { record: StoredRecord; expires: number };

/** Loads and saves within the caller's transaction, and decides nothing. */
export function recordsTable(db: DatabaseSync) {
  const select = db.prepare("SELECT * FROM record WHERE name = ? AND (expires > ? OR state <> 'completed')");
  const upsert = db.prepare(`
    INSERT INTO record
      (name, state, owner, fingerprint, credential, started_at, expires, lease_until, lease_ms, reason, answer,
       looked_at, looked_gateway_at)
    VALUES
      (:name, :state, :owner, :fingerprint, :credential, :startedAt, :expires, :leaseUntil, :leaseMs, :reason, :answer,
       :lookedAt, :lookedGatewayAt)
    ON CONFLICT (name) DO UPDATE SET
      state = excluded.state, owner = excluded.owner, fingerprint = excluded.fingerprint,
      credential = excluded.credential, started_at = excluded.started_at, expires = excluded.expires,
      lease_until = excluded.lease_until, lease_ms = excluded.lease_ms, reason = excluded.reason, answer = excluded.answer,
      looked_at = excluded.looked_at, looked_gateway_at = excluded.looked_gateway_at`);
  const remove = db.prepare("DELETE FROM record WHERE name = ?");
  // The negation of leaseIsGood (domain/record.ts), as a condition that the index `unsettled` answers.
  const lapsed = "state = 'executing' AND (lease_until <= :lease OR lease_until > :lease + lease_ms)";
  const isUnknown = `state IN ('executing', 'unknown') AND (state = 'unknown' OR (${lapsed}))`;
  const countUnknown = db.prepare(`SELECT count(*) AS unknowns FROM record WHERE ${isUnknown}`);
  const listed = (condition: string) =>
    db.prepare(`SELECT * FROM record WHERE ${condition} ORDER BY started_at LIMIT :limit`);
  const lists = {
    unknown: listed(isUnknown),
    executing: listed(`state = 'executing' AND NOT (${lapsed})`),
  };
  // Answered by the index of names alone.
  const find = db.prepare("SELECT name FROM record WHERE name >= ? AND name < ? AND substr(name, 24) = ?");
  const names = db.prepare("SELECT name FROM record WHERE name >= ? AND name < ?");

  return {
    load(name: Name, now: Now): Entry | undefined {
      const row = select.get(name, now.wall);
      return row && { record: fromRow(row), expires: integer(row, "expires") };
    },
    save(name: Name, { record, expires }: Entry): void {
      const { state, owner, fingerprint, credential, startedAt } = record;
      const firstLook = state === "unknown" ? record.firstLook : undefined;
      upsert.run({
        name,
        state,
        owner,
        fingerprint,
        credential,
        startedAt,
        expires,
        leaseUntil: "leaseUntil" in record ? record.leaseUntil : null,
        leaseMs: "leaseMs" in record ? record.leaseMs : null,
        reason: "reason" in record ? record.reason : null,
        answer: "answer" in record ? record.answer : null,
        lookedAt: firstLook?.at ?? null,
        lookedGatewayAt: firstLook?.gatewayAt ?? null,
      });
    },
    remove(name: Name): void {
      remove.run(name);
    },
    list(state: Open["state"], limit: number, now: Now): Listed[] {
      return lists[state].all({ lease: now.lease, limit }).flatMap((row) => {
        const record = asRead(fromRow(row), now);
        return record?.state === "executing" || record?.state === "unknown"
          ? [{ name: text(row, "name"), record }]
          : [];
      });
    },
    /** Among the names from `first` up to and without `end`. */
    find(keyHash: Token, first: string, end: string): Name[] {
      return find.all(first, end, keyHash).map((row) => text(row, "name"));
    },
    names(first: string, end: string): Name[] {
      return names.all(first, end).map((row) => text(row, "name"));
    },
    countUnknown({ lease }: Now): number {
      return Number(countUnknown.get({ lease })?.["unknowns"]);
    },
  };
}

/** What the journal says of a row that leaves, where it reads as unknown. */
export function unknownOf(row: Row): { name: Name; startedAt: number; reason: UnknownReason } | undefined {
  const state = text(row, "state");
  if (state !== "executing" && state !== "unknown") return undefined;
  const reason = state === "unknown" ? unknownReason(text(row, "reason")) : "owner-lost";
  return { name: text(row, "name"), startedAt: integer(row, "started_at"), reason };
}

function fromRow(row: Row): StoredRecord {
  const started = {
    owner: text(row, "owner"),
    fingerprint: text(row, "fingerprint"),
    credential: text(row, "credential"),
    startedAt: integer(row, "started_at"),
  };
  const state = text(row, "state");
  switch (state) {
    case "claimed":
    case "executing":
      return { state, ...started, leaseUntil: integer(row, "lease_until"), leaseMs: integer(row, "lease_ms") };
    case "completed":
      return { state, ...started, answer: bytes(row, "answer") };
    case "unknown":
      return { state, ...started, reason: unknownReason(text(row, "reason")), ...firstLookIn(row) };
  }
  throw new Error(`a record has the state "${state}", which this version does not know`);
}

function firstLookIn(row: Row): Pick<Unknown, "firstLook"> {
  if (row["looked_at"] === null) return {};
  return { firstLook: { at: integer(row, "looked_at"), gatewayAt: integer(row, "looked_gateway_at") } };
}
