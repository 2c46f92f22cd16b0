import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { env, kill, pid } from "node:process";
import { TRAPS_FOLDER } from "./gap.ts";
import type { Gap, Trap } from "./gap.ts";

const folder = env[TRAPS_FOLDER] ?? "";
const stillness = new Int32Array(new SharedArrayBuffer(4));

/**
 * A gap of the pipeline. Where the nemesis has set a trap (a file of the gap's name), this thread stands still in it for a
 * while and the process gets its signal; synchronously, so that nothing else of this thread happens in the gap.
 */
export function gap(name: Gap): void {
  const set = join(folder, name);
  if (!existsSync(set)) return;
  const caught = `${set}.caught`;
  try {
    renameSync(set, caught);
  } catch {
    return; // another thread was caught in it, or it was taken away
  }
  const { signal, afterMs } = JSON.parse(readFileSync(caught, "utf8")) as Trap;
  Atomics.wait(stillness, 0, 0, afterMs);
  kill(pid, signal);
}
