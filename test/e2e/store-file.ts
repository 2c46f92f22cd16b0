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
  remove(): void;
};

export function storeFile(): StoreFile {
  const folder = mkdtempSync(join(tmpdir(), "oncegate-e2e-"));
  const file = join(folder, "oncegate.db");
  return {
    folder,
    url: `sqlite:${file}`,
    records() {
      if (!existsSync(file)) return 0;
      const database = new DatabaseSync(file, { timeout: 5_000 });
      try {
        return Number(database.prepare("SELECT count(*) AS n FROM record").get()?.["n"]);
      } finally {
        database.close();
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
