import { spawn } from "node:child_process";
import type { ChildProcess, ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

export type LogLine = Record<string, unknown> & { msg: string };

/** A gateway in a process of its own, as an operator runs it. */
export type GatewayProcess = SpawnedGateway & { url: string; adminUrl: string };

export type SpawnedGateway = {
  pid: number;
  /** Every line it logged so far; `text` also what was no JSON. */
  lines: LogLine[];
  text(): string;
  /** Resolves to the first logged line that matches, past or future. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves to the exit code (null where a signal ended it). */
  exited: Promise<number | null>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
};

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
/**
 * All that a gateway is given of the tests' own environment. What Node has compiled of it once, it need not compile at every start:
 * that halves the second that a start takes.
 */
const OUTSIDE = {
  PATH: process.env["PATH"],
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../../.cache/compiled", import.meta.url)),
};
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export type Ending = { code: number | null; stdout: string; stderr: string };

/** A start that is refused takes a second or two, and many on a busy machine; one that never ends is ended, and its code is null. */
const END_WITHIN_MS = 45_000;

/** Runs the program with these settings only, until it ends by itself, or `withinMs` are over. */
export async function runToItsEnd(
  env: Record<string, string>,
  args: string[] = [],
  withinMs = END_WITHIN_MS,
): Promise<Ending> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...OUTSIDE, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk));
  const endless = setTimeout(() => child.kill("SIGKILL"), withinMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(endless);
  running.delete(child);
  return { code, stdout, stderr };
}

/** Starts the program on free loopback ports; resolves when it listens. Rejects with its output where it ends before. */
export async function startGatewayProcess(env: Record<string, string>): Promise<GatewayProcess> {
  const spawned = spawnGateway(env);
  const started = await spawned.logged((line) => line.msg === "oncegate started");
  return { ...spawned, url: String(started["clients"]), adminUrl: String(started["admin"]) };
}

/** The same without waiting for anything. `main`: of another tree than this one; `onLine` hears of each logged line. */
export function spawnGateway(
  env: Record<string, string>,
  main = MAIN,
  onLine?: (line: LogLine) => void,
): SpawnedGateway {
  const free = { ONCEGATE_LISTEN: "127.0.0.1:0", ONCEGATE_ADMIN_LISTEN: "127.0.0.1:0" };
  return follow(
    spawn(process.execPath, [main], {
      env: { ...OUTSIDE, ...free, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    }),
    onLine,
  );
}

/** A gateway that was started in another way, from a package or an image for instance. */
export function follow(
  child: ChildProcessByStdio<null, Readable, Readable>,
  onLine: (line: LogLine) => void = () => {},
): SpawnedGateway {
  running.add(child);
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => (text += chunk));
  createInterface({ input: child.stdout }).on("line", (line) => {
    text += `${line}\n`;
    if (line.startsWith("{")) {
      lines.push(JSON.parse(line) as LogLine);
      onLine(lines.at(-1)!);
    }
    for (const look of waiting) look();
  });
  let isOver = false; // and all that it wrote has been read, which can be later than its end
  const exited = once(child, "close").then(([code]) => {
    isOver = true;
    running.delete(child);
    for (const look of waiting) look();
    return code as number | null;
  });
  const logged = (matches: (line: LogLine) => boolean): Promise<LogLine> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(matches);
        if (found === undefined && !isOver) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`the gateway ended without that line:\n${text}`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });

  if (child.pid === undefined) throw new Error("the gateway could not be started");
  return {
    pid: child.pid,
    lines,
    text: () => text,
    logged,
    signal: (signal) => void child.kill(signal),
    exited,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
