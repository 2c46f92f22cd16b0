import type { DatabaseSync } from "node:sqlite";
import { JOURNAL_MS } from "../journal.ts";
import type { JournalEntry, Note } from "../journal.ts";

/** Writes and reads within the caller's transaction. */
export function journalTable(db: DatabaseSync) {
  const insert = db.prepare("INSERT INTO journal (at, note) VALUES (?, ?)");
  const forget = db.prepare("DELETE FROM journal WHERE at < ?");
  const latest = db.prepare("SELECT at, note FROM journal ORDER BY at DESC, rowid DESC LIMIT ?");
  return {
    add(note: Note, at: number): void {
      insert.run(at, JSON.stringify(note));
      forget.run(at - JOURNAL_MS);
    },
    latest(limit: number): JournalEntry[] {
      return latest.all(limit).map(({ at, note }) => ({ at: Number(at), ...JSON.parse(String(note)) }));
    },
  };
}
