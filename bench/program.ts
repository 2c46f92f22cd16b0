import { execFile, execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ownText } from "./load.ts";
import type { LoadOrder, LoadReport } from "./load.ts";
import { pathOf } from "./workloads.ts";

/** A program in a process of its own, and what that process and its children have used. */
export type Program = { url: string; pid: number; cpuSeconds(): number; rssMiB(): number };

/** `url`: where it will listen, if it does not say so itself. */
type Command = { command: string; args: string[]; env?: Record<string, string>; url?: string };

/** Of /proc: Linux has counted in hundredths of a second for user space on every platform (USER_HZ). */
const TICKS_PER_SECOND = 100;
const READY_LIMIT_MS = 30_000;
const LISTENS = /(?:listening on |"clients":")(http:\/\/127\.0\.0\.1:\d+)/;

const running = new Set<ChildProcess>();
let started = 0;
/** They have nothing to lose: what they wrote goes with the bench's folder. */
export function endPrograms(): void {
  for (const child of running) for (const pid of family(child.pid!)) process.kill(pid, "SIGKILL");
}

/** A TypeScript program of this project. */
export const startOwn = (main: string, env: Record<string, string>, folder: string): Promise<Program> =>
  startProgram({ command: process.execPath, args: [fileOf(main)], env }, folder);

/** Its output goes into a file as an operator would have it; resolves when it listens. */
export async function startProgram({ command, args, env, url }: Command, folder: string): Promise<Program> {
  const output = join(folder, `${++started}.log`);
  const file = openSync(output, "a");
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH: process.env["PATH"], NODE_ENV: "production", ...env },
    stdio: ["ignore", file, file],
  });
  closeSync(file);
  running.add(child);
  void once(child, "exit").then(() => running.delete(child));
  const sum = (of: (pid: number) => number) => () => family(child.pid!).reduce((total, pid) => total + of(pid), 0);
  for (let patience = READY_LIMIT_MS; patience > 0 && child.exitCode === null; patience -= 50) {
    const place = url === undefined ? LISTENS.exec(readFileSync(output, "utf8"))?.[1] : await answering(url);
    if (place !== undefined) return { url: place, pid: child.pid!, cpuSeconds: sum(cpuSeconds), rssMiB: sum(rssMiB) };
    await sleep(50);
  }
  throw new Error(`${command} ${args.join(" ")} does not listen:\n${readFileSync(output, "utf8").slice(-2_000)}`);
}

export const hasWrk = ((): boolean => {
  try {
    execFileSync("wrk", ["-v"], { stdio: "ignore" });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT"; // it says its version and fails
  }
})();

/** Sends for as long as it was told to, as fast as it goes by wrk where that is installed; resolves to what came back. */
export async function sendLoad(order: LoadOrder): Promise<LoadReport> {
  const call =
    hasWrk && order.rate === undefined
      ? promisify(execFile)("wrk", [...wrkOptions(order), ...wrkArguments(order)])
      : promisify(execFile)(process.execPath, [fileOf("./load.ts"), JSON.stringify(order)]);
  const { stdout } = await call;
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as LoadReport;
}

function wrkOptions({ connections, seconds }: LoadOrder): string[] {
  return ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "--latency", "-s", fileOf("./load.lua")];
}
function wrkArguments({ url, workload }: LoadOrder): string[] {
  const { method, requestBytes, keys } = workload;
  return [`${url}${pathOf(workload)}`, "--", method, `${requestBytes}`, keys, ownText()];
}

async function answering(url: string): Promise<string | undefined> {
  return fetch(`${url}/executions`).then(
    () => url,
    () => undefined,
  );
}

/** The process and its children, as nginx and node:cluster have them. */
function family(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
    return [pid, ...children.flatMap(family)];
  } catch {
    return [];
  }
}

/** User and system time of all its threads (proc(5), fields 14 and 15). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function rssMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
}

function fileOf(main: string): string {
  return fileURLToPath(new URL(main, import.meta.url));
}
