import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A wall clock that can be moved behind the back of the processes that see it (clockskew.c). */
export type MovableClock = {
  /** For their environment. */
  env: Record<string, string>;
  /** How far it is ahead of the machine's, negative for behind. */
  set(ms: number): void;
};

const SOURCE = fileURLToPath(new URL("clockskew.c", import.meta.url));

/** Compiles the shim into the folder; undefined where there is no C compiler or no LD_PRELOAD. */
export function clockShim(folder: string): string | undefined {
  if (process.platform !== "linux") return undefined;
  const shim = join(folder, "clockskew.so");
  try {
    execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", shim, SOURCE], { stdio: "pipe" });
    return shim;
  } catch {
    return undefined;
  }
}

export function movableClock(shim: string, file: string): MovableClock {
  const set = (ms: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(ms));
    writeFileSync(file, bytes, { flag: "r+" }); // in place: it is mapped
  };
  writeFileSync(file, Buffer.alloc(8));
  return { env: { LD_PRELOAD: shim, CLOCKSKEW_FILE: file }, set };
}
