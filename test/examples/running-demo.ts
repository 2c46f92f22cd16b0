import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

export type Demo = {
  readonly output: () => string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** Waits for `text` in the output; throws with the output when the demo ends or `limitMs` pass without it. */
  readonly says: (text: string | RegExp, limitMs?: number) => Promise<void>;
  /** The signal of a terminal: it reaches the whole foreground group. */
  readonly pressCtrlC: () => void;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** The printed commands that a reader would paste, in order. */
  readonly commands: () => string[];
  readonly pids: () => { gateway: number; sample: number };
  /** For after a failed test: stopped in an orderly way if that works, killed with its children if not. */
  readonly discard: () => Promise<void>;
};

export function startDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}): Demo {
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the demo could not be started");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  let over = false;
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  void ended.then(() => (over = true));
  const pidOf = (name: string) => Number(new RegExp(`${name} \\(process (\\d+)\\)`).exec(output)?.[1]);
  const pids = () => ({ gateway: pidOf("gateway"), sample: pidOf("sample API") });
  return {
    output: () => output,
    ended,
    async says(text, limitMs = 60_000) {
      const limit = Date.now() + limitMs;
      while (output.search(text) < 0) {
        if (over || Date.now() > limit) throw new Error(`the demo did not say ${String(text)}, but:\n${output}`);
        await sleep(50);
      }
    },
    pressCtrlC: () => void process.kill(-pid, "SIGINT"),
    signal: (signal) => void child.kill(signal),
    commands: () => Array.from(output.matchAll(/^\s+(curl .*)$/gm), ([, command]) => String(command)),
    pids,
    async discard() {
      if (over) return;
      child.kill("SIGTERM");
      await Promise.race([ended, sleep(20_000, undefined, { ref: false })]);
      for (const left of [pid, pids().gateway, pids().sample])
        if (left > 0 && isRunning(left)) process.kill(left, "SIGKILL");
    },
  };
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
