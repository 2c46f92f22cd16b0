import { writeFileSync } from "node:fs";

/** A wall clock that can be moved behind the back of the processes that see it (clockskew.c). */
export type MovableClock = {
  /** For their environment. */
  env: Record<string, string>;
  /** How far it is ahead of the machine's, negative for behind. */
  set(ms: number): void;
};

export function movableClock(shim: string, file: string): MovableClock {
  const set = (ms: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(ms));
    writeFileSync(file, bytes, { flag: "r+" }); // in place: it is mapped
  };
  writeFileSync(file, Buffer.alloc(8));
  return { env: { LD_PRELOAD: shim, CLOCKSKEW_FILE: file }, set };
}
