import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LoadOrder, LoadReport } from "./load.ts";

/** A program in a process of its own, and what that process has used. */
export type Program = { url: string; cpuSeconds(): number; rssMiB(): number };

/** Of /proc: Linux has counted in hundredths of a second for user space on every platform (USER_HZ). */
const TICKS_PER_SECOND = 100;
const READY_LIMIT_MS = 30_000;
const LISTENS = /(?:listening on |"clients":")(http:\/\/127\.0\.0\.1:\d+)/;

const running = new Set<ChildProcess>();
let started = 0;
/** They have nothing to lose: what they wrote goes with the bench's folder. */
export function endPrograms(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Runs a TypeScript program, its output in a file as an operator would have it; resolves when it says where it listens. */
export async function startProgram(main: string, env: Record<string, string>, folder: string): Promise<Program> {
  const output = join(folder, `${++started}.log`);
  const file = openSync(output, "a");
  const child = spawn(process.execPath, [pathOf(main)], {
    cwd: folder,
    env: { PATH: process.env["PATH"], NODE_ENV: "production", ...env },
    stdio: ["ignore", file, file],
  });
  closeSync(file);
  running.add(child);
  void once(child, "exit").then(() => running.delete(child));
  for (let patience = READY_LIMIT_MS; patience > 0 && child.exitCode === null; patience -= 50) {
    const url = LISTENS.exec(readFileSync(output, "utf8"))?.[1];
    if (url !== undefined) return { url, cpuSeconds: () => cpuSeconds(child), rssMiB: () => rssMiB(child) };
    await sleep(50);
  }
  throw new Error(`${main} does not listen:\n${readFileSync(output, "utf8").slice(-2_000)}`);
}

/** Sends for as long as it was told to; resolves to what came back. */
export async function sendLoad(order: LoadOrder): Promise<LoadReport> {
  const { stdout } = await promisify(execFile)(process.execPath, [pathOf("./load.ts"), JSON.stringify(order)]);
  return JSON.parse(stdout) as LoadReport;
}

/** User and system time of all its threads (proc(5), fields 14 and 15). */
function cpuSeconds({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function rssMiB({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}

function pathOf(main: string): string {
  return fileURLToPath(new URL(main, import.meta.url));
}
