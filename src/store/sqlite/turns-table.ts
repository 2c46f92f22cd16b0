import type { DatabaseSync } from "node:sqlite";
import type { Leased, Name, Token } from "../../domain/record.ts";
import type { Holder, Line, Place } from "../../domain/turn.ts";
import { integer, text } from "./row.ts";
import type { Row } from "./row.ts";

/** The turns and the lines of documents. Loads and saves within the caller's transaction, and decides nothing. */
export function turnsTable(db: DatabaseSync) {
  // As leaseIsGood (domain/record.ts).
  const isAlive = "lease_until > :now AND lease_until <= :now + lease_ms";
  const holder = db.prepare("SELECT * FROM turn WHERE document = ?");
  const setHolder = db.prepare(`
    INSERT INTO turn VALUES (:document, :owner, :name, :isDelete, :leaseUntil, :leaseMs)
    ON CONFLICT (document) DO UPDATE SET
      owner = excluded.owner, name = excluded.name, is_delete = excluded.is_delete,
      lease_until = excluded.lease_until, lease_ms = excluded.lease_ms`);
  const removeHolder = db.prepare("DELETE FROM turn WHERE document = ? AND owner = ?");
  const own = db.prepare("SELECT * FROM waiter WHERE document = ? AND owner = ?");
  const setOwn = db.prepare(`
    INSERT INTO waiter VALUES (:document, :ticket, :owner, :isDelete, :leaseUntil, :leaseMs)
    ON CONFLICT (document, ticket) DO UPDATE SET lease_until = excluded.lease_until, lease_ms = excluded.lease_ms`);
  const removeOwn = db.prepare("DELETE FROM waiter WHERE document = ? AND owner = ?");
  const firstOther = db.prepare(`
    SELECT ticket, owner FROM waiter WHERE document = :document AND owner <> :owner AND ${isAlive} ORDER BY ticket LIMIT 1`);
  const otherDelete = db.prepare(
    `SELECT 1 FROM waiter WHERE document = :document AND is_delete = 1 AND owner <> :owner AND ${isAlive} LIMIT 1`,
  );
  const last = db.prepare("SELECT max(ticket) AS ticket FROM waiter WHERE document = ?");
  const dropBefore = db.prepare("DELETE FROM waiter WHERE document = ? AND ticket < ?");

  const holderOf = (document: Name): Holder | undefined => {
    const row = holder.get(document);
    return (
      row && {
        owner: text(row, "owner"),
        name: text(row, "name"),
        isDelete: integer(row, "is_delete") === 1,
        ...leaseOf(row),
      }
    );
  };
  const placeOf = (document: Name, owner: Token): Place | undefined => {
    const row = own.get(document, owner);
    return (
      row && {
        owner,
        ticket: integer(row, "ticket"),
        isDelete: integer(row, "is_delete") === 1,
        ...leaseOf(row),
      }
    );
  };
  /** The dead before it are dropped. */
  const firstAlive = (document: Name, asker: Token, now: number) => {
    const row = firstOther.get({ document, owner: asker, now });
    const first = row && { owner: text(row, "owner"), ticket: integer(row, "ticket") };
    const asked = placeOf(document, asker);
    dropBefore.run(
      document,
      Math.min(first?.ticket ?? Number.MAX_SAFE_INTEGER, asked?.ticket ?? Number.MAX_SAFE_INTEGER),
    );
    return { first, asked };
  };

  return {
    holder: holderOf,
    load(document: Name, asker: Token, now: number): Line {
      const { first, asked } = firstAlive(document, asker, now);
      return {
        holder: holderOf(document),
        own: asked,
        firstOther: first?.ticket,
        isDeleteWaiting: otherDelete.get({ document, owner: asker, now }) !== undefined,
        lastTicket: Number(last.get(document)?.["ticket"] ?? 0),
      };
    },
    hold(document: Name, { owner, name, isDelete, leaseUntil, leaseMs }: Holder): void {
      setHolder.run({ document, owner, name, isDelete: Number(isDelete), leaseUntil, leaseMs });
    },
    place(document: Name, { owner, ticket, isDelete, leaseUntil, leaseMs }: Place): void {
      setOwn.run({ document, ticket, owner, isDelete: Number(isDelete), leaseUntil, leaseMs });
    },
    dropFromLine(document: Name, owner: Token): void {
      removeOwn.run(document, owner);
    },
    /** The first one alive, if nobody holds the turn then. */
    leave(document: Name, owner: Token, now: number): Token | undefined {
      removeHolder.run(document, owner);
      removeOwn.run(document, owner);
      const { first } = firstAlive(document, owner, now);
      return holderOf(document) === undefined ? first?.owner : undefined;
    },
  };
}

function leaseOf(row: Row): Leased {
  return { leaseUntil: integer(row, "lease_until"), leaseMs: integer(row, "lease_ms") };
}
