import { mkdirSync, statSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { versions } from "node:process";
import { DatabaseSync } from "node:sqlite";
import { LONGEST_LEASE } from "../../domain/record.ts";
import { FileRefused, isBusy } from "./trouble.ts";
import { reasonOf } from "../../reason.ts";

/** Earlier ones could corrupt a WAL that two connections reset at the same time (sqlite.org/wal.html, "WAL-reset bug"). */
const OLDEST_SQLITE = "3.51.3";

/** "Once": tells our files from another program's. */
const APPLICATION = 0x4f6e6365;

/**
 * Answers may be megabytes, so the table is keyed by rowid: without one, every comparison of a name would wade through
 * them (sqlite.org/withoutrowid.html). Only what can read as unknown is in `unsettled`, so that counting it stays cheap.
 */
const TABLES_1 = `
  CREATE TABLE record (
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    owner TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    credential TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    lease_until INTEGER,
    reason TEXT,
    answer BLOB
  ) STRICT;
  CREATE INDEX expiring ON record (expires);
  CREATE INDEX unsettled ON record (state, lease_until, expires) WHERE state IN ('executing', 'unknown');
  CREATE TABLE store_value (name TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT;
  INSERT INTO store_value VALUES ('id', lower(hex(randomblob(16))));
  PRAGMA application_id = ${APPLICATION};
`;
const TABLES_2 = `
  CREATE TABLE journal (at INTEGER NOT NULL, note TEXT NOT NULL) STRICT;
  CREATE INDEX journal_at ON journal (at);
`;
/** The file's id is in its mark now, which whoever uses it first makes (store/continuity.ts). */
const TABLES_3 = `
  CREATE TABLE witness (process TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
  DELETE FROM store_value WHERE name = 'id';
`;
/** In the index as well, which counts by it. A lease that was given before had any length. */
const TABLES_4 = `
  ALTER TABLE record ADD COLUMN lease_ms INTEGER;
  UPDATE record SET lease_ms = ${LONGEST_LEASE} WHERE lease_until IS NOT NULL;
  DROP INDEX unsettled;
  CREATE INDEX unsettled ON record (state, lease_until, lease_ms) WHERE state IN ('executing', 'unknown');
`;
/** Lines are read from their head and by owner, never as a whole. */
const TABLES_5 = `
  CREATE TABLE turn (
    document TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    is_delete INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    lease_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE waiter (
    document TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    owner TEXT NOT NULL,
    is_delete INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    lease_ms INTEGER NOT NULL,
    PRIMARY KEY (document, ticket)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX waiter_owner ON waiter (document, owner);
  CREATE INDEX waiter_delete ON waiter (document) WHERE is_delete = 1;
`;
/** When an unknown was looked for first (domain/record.ts FirstLook). */
const TABLES_6 = `
  ALTER TABLE record ADD COLUMN looked_at INTEGER;
  ALTER TABLE record ADD COLUMN looked_gateway_at INTEGER;
`;
const TABLES_7 = `
  CREATE TABLE original (
    likeness TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX original_expiring ON original (expires);
`;
/** What makes format n + 1 of format n. A file is brought to the newest in one transaction; an older version refuses it then. */
const STEPS = [TABLES_1, TABLES_2, TABLES_3, TABLES_4, TABLES_5, TABLES_6, TABLES_7];
const FORMAT = STEPS.length;

/** Shared memory between processes is not, or not reliably, shared there, so WAL is not safe (sqlite.org/wal.html). */
const SHARED_FILE_SYSTEMS: Record<number, string> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB",
  0x01021997: "9p",
  0x65735546: "FUSE",
  0x00c36400: "Ceph",
  0x0bd00bd0: "Lustre",
};

/** How long another process may hold the file while it creates or recovers it. */
const OPEN_WITHIN_MS = 5_000;
/** Below the time that a reply may take (thread.ts), so that a busy file is reported as such and as unsent. */
const BUSY_TIMEOUT_MS = 800;

/**
 * Opens the store's file, which is made where there is none. Throws with a message for an operator.
 * `inode`: tells it from another file at the same path; `isReplaced`: whether another file, or none, stands at the path now. This connection would go on with the one that it opened.
 */
export function openFile(file: string): { db: DatabaseSync; inode: string | undefined; isReplaced: () => boolean } {
  refuseOldSqlite(versions.sqlite ?? "0");
  try {
    makeFolder(dirname(file));
  } catch (error) {
    throw new FileRefused(`SQLite file ${file}: its folder cannot be made (${reasonOf(error)})`);
  }
  const giveUpAt = Date.now() + OPEN_WITHIN_MS;
  for (;;) {
    const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    try {
      refuseShared(file);
      prepare(db, file);
      const inode = inodeOf(file);
      return { db, inode, isReplaced: () => inodeOf(file) !== inode };
    } catch (error) {
      db.close();
      // Changing to WAL and recovering one report "busy" without waiting for the timeout.
      if (!isBusy(error) || Date.now() > giveUpAt) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function inodeOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}

/** Not mkdir's own `recursive`, which never returns where making a folder answers ENOENT (/proc; Node 26.10). */
function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  makeFolder(dirname(folder));
  try {
    // Answers hold what one customer may see: a folder that is made here is nobody else's to read.
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!isFolder(folder)) throw error; // else another process was faster
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Asked of the file, which is there by now: it can be a link to another disk, or be mounted by itself. */
function refuseShared(file: string): void {
  const shared = SHARED_FILE_SYSTEMS[statfsSync(file).type];
  if (shared !== undefined)
    throw new FileRefused(
      `SQLite file ${file}: it is on ${shared}, where SQLite's locks are not safe. Use a local disk`,
    );
}

function prepare(db: DatabaseSync, file: string): void {
  // Before anything is written: the file may be somebody else's.
  refuseForeign(db, file);
  // The order matters: auto_vacuum only before the first table, and in the file's first page before WAL.
  db.exec("PRAGMA auto_vacuum = INCREMENTAL");
  const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal")
    throw new FileRefused(`SQLite file ${file}: WAL is not possible there. Use a local, writable disk`);
  db.exec("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216");
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const step of STEPS.slice(pragma(db, "user_version"))) db.exec(step);
    db.exec(`PRAGMA user_version = ${FORMAT}`);
    db.exec("COMMIT");
  } finally {
    if (db.isTransaction) db.exec("ROLLBACK");
  }
}

function refuseForeign(db: DatabaseSync, file: string): void {
  const isEmpty = db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (isEmpty) return;
  if (pragma(db, "application_id") !== APPLICATION)
    throw new FileRefused(`SQLite file ${file}: it belongs to another program. Choose another path`);
  const format = pragma(db, "user_version");
  if (format > FORMAT)
    throw new FileRefused(
      `SQLite file ${file}: it has format ${format}, made by a newer version of Oncegate; this one knows up to ${FORMAT}`,
    );
}

function pragma(db: DatabaseSync, name: "application_id" | "user_version"): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

export function refuseOldSqlite(version: string): void {
  const order = version.localeCompare(OLDEST_SQLITE, "en", { numeric: true });
  if (order < 0)
    throw new FileRefused(
      `SQLite ${version} can corrupt a file that several processes use; ${OLDEST_SQLITE} or later is needed. Update Node`,
    );
}
