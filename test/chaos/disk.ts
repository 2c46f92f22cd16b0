import { rmSync, writeFileSync } from "node:fs";

/** A disk that can be full for the SQLite stores of the processes that see it (diskfull.c). */
export type FillableDisk = {
  /** For their environment. */
  env: Record<string, string>;
  fill(): void;
  free(): void;
};

export function fillableDisk(shim: string, file: string): FillableDisk {
  return {
    env: { LD_PRELOAD: shim, DISKFULL_FILE: file },
    fill: () => writeFileSync(file, ""),
    free: () => rmSync(file, { force: true }),
  };
}
