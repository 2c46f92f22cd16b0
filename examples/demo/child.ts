import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export type Child = {
  readonly name: string;
  readonly pid: number | undefined;
  /** How the process ended, once it has: "ended with code 2". */
  readonly ended: Promise<string>;
  readonly running: () => boolean;
  readonly signal: (signal: NodeJS.Signals) => void;
  readonly lastOutput: () => string;
};

/**
 * Runs a TypeScript program with this Node, its output in `logFile`. It gets a session of its own: Ctrl-C reaches the
 * whole foreground group, and the gateway takes a second signal for "leave at once".
 */
export function startChild(name: string, main: string, env: NodeJS.ProcessEnv, folder: string): Child {
  const logFile = `${folder}/${name.replaceAll(" ", "-")}.log`;
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, [main], { cwd: folder, env, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  let over = false;
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`));
  });
  void ended.then(() => (over = true));
  return {
    name,
    pid: child.pid,
    ended,
    running: () => !over,
    signal: (signal) => void child.kill(signal),
    lastOutput: () => readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-30).join("\n"),
  };
}

/** Waits until the child is gone: asked once, asked again after `patienceMs`, then killed. */
export async function stopChild(child: Child, patienceMs: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGTERM", "SIGKILL"] as const) {
    if (!child.running()) return;
    child.signal(signal);
    const limit = new AbortController();
    const patience = sleep(patienceMs, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([child.ended, patience]);
    limit.abort();
  }
}
