import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A SQLite store for gateway processes, in a folder of its own. */
export type StoreFile = {
  folder: string;
  /** For ONCEGATE_STORE. */
  url: string;
  /** How many records there are, of whatever state: a refused request must leave none. */
  records(): number;
  /** Of each record: its state, with the reason of an unknown. */
  states(): string[];
  remove(): void;
};

export function storeFile(): StoreFile {
  const folder = mkdtempSync(join(tmpdir(), "oncegate-e2e-"));
  const file = join(folder, "oncegate.db");
  const states = (): string[] => {
    if (!existsSync(file)) return [];
    const database = new DatabaseSync(file, { timeout: 5_000 });
    try {
      const rows = database.prepare("SELECT concat_ws(' ', state, reason) AS state FROM record").all();
      return rows.map((row) => String(row["state"]));
    } finally {
      database.close();
    }
  };
  return {
    folder,
    url: `sqlite:${file}`,
    records: () => states().length,
    states,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
