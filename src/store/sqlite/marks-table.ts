import type { DatabaseSync } from "node:sqlite";
import { ABSENT } from "../../domain/continuity.ts";
import type { Found, MarkText } from "../../domain/continuity.ts";
import { WITNESS_MS } from "../witness.ts";

/** The one mark of a file, and how many claims of each process it has. Within the caller's transaction. */
export function marksTable(db: DatabaseSync) {
  const mark = db.prepare("SELECT value FROM store_value WHERE name = 'mark'");
  const setMark = db.prepare(
    "INSERT INTO store_value VALUES ('mark', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );
  const count = db.prepare("SELECT count FROM witness WHERE process = ?");
  const countOne = db.prepare(`
    INSERT INTO witness (process, count, at) VALUES (:process, 1, :at)
    ON CONFLICT (process) DO UPDATE SET count = count + 1, at = excluded.at`);
  const forget = db.prepare("DELETE FROM witness WHERE at < ?");

  const markText = (): MarkText => String(mark.get()?.["value"] ?? ABSENT);
  const countOf = (process: string): number => Number(count.get(process)?.["count"] ?? 0);
  return {
    read: (process: string): Found => ({ mark: markText(), count: countOf(process) }),
    /** Whether `from` stood there. */
    replace(from: MarkText, to: MarkText): boolean {
      if (markText() !== from) return false;
      setMark.run(to);
      return true;
    },
    /** What must survive together with the record that lets an operation start. `at`: the wall clock. */
    countOne(process: string, at: number): void {
      countOne.run({ process, at });
      if (countOf(process) === 1) forget.run(at - WITNESS_MS); // those of processes that are long gone
    },
  };
}
