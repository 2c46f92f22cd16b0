import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Opens the API's own file, made with its folder if it is not there. Several processes may share it. */
export function openDatabase(path: string): DatabaseSync {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: 5000 });
  // NORMAL with WAL keeps every commit through a kill of the process, which is all that the trials do to it.
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS invoices (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      customer TEXT NOT NULL,
      number TEXT NOT NULL,
      currency TEXT NOT NULL,
      lines TEXT NOT NULL,
      total TEXT NOT NULL,
      revision INTEGER NOT NULL DEFAULT 1,
      renderings INTEGER NOT NULL DEFAULT 0,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS invoices_number ON invoices (number);
    CREATE TABLE IF NOT EXISTS documents (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      document_id TEXT NOT NULL,
      data BLOB NOT NULL,
      created_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS samples (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      answer TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      sha256 TEXT NOT NULL
    ) STRICT;
  `);
  return database;
}
