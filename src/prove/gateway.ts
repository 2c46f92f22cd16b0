import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** Where a gateway listens; with each start on other ports. */
export type Doors = { url: string; admin: string };

const READY_WITHIN_MS = 20_000;

/** A real gateway process that is killed and started again. */
export class Gateway {
  readonly #program: readonly [string, ...string[]];
  readonly #env: Record<string, string | undefined>;
  #process: ChildProcess | undefined;
  #doors: Doors | undefined;
  #isOver = false;

  constructor(program: readonly [string, ...string[]], env: Record<string, string | undefined>) {
    this.#program = program;
    this.#env = env;
  }

  /** Undefined while it is down. */
  get doors(): Doors | undefined {
    return this.#doors;
  }

  /** Resolves when it can execute operations, or has been ended; rejects with what it said where it never can. */
  async start(): Promise<void> {
    if (this.#isOver) return;
    const [command, ...args] = this.#program;
    const started = spawn(command, [...args, "serve"], { env: this.#env, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = started;
    const said: string[] = [];
    const doors = new Promise<Doors>((resolve) => {
      createInterface({ input: started.stdout }).on("line", (line) => {
        said.push(line);
        const opened = doorsIn(line);
        if (opened !== undefined) resolve(opened);
      });
    });
    createInterface({ input: started.stderr }).on("line", (line) => said.push(line));
    const ended = once(started, "close");
    const giveUp = new AbortController();
    const limit = sleep(READY_WITHIN_MS, undefined, { signal: giveUp.signal }).catch(() => {});
    const opened = await Promise.race([doors, ended, limit]);
    const isReady = opened !== undefined && "url" in opened && (await becomesReady(opened.admin));
    giveUp.abort();
    if (!isReady) throw new Error(`a gateway cannot be used:\n${said.slice(-10).join("\n")}`);
    this.#doors = opened;
  }

  /** As `kill`, and for good: whoever is about to start it again does not. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.kill();
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const killed = this.#process;
    this.#process = undefined;
    this.#doors = undefined;
    if (killed === undefined || killed.exitCode !== null || killed.signalCode !== null) return;
    const gone = once(killed, "exit");
    killed.kill("SIGKILL");
    await gone;
  }
}

const Started = z.object({ clients: z.string(), admin: z.string() });

function doorsIn(line: string): Doors | undefined {
  if (!line.includes('"oncegate started"')) return undefined;
  const { clients, admin } = Started.parse(JSON.parse(line));
  return { url: clients, admin };
}

async function becomesReady(admin: string): Promise<boolean> {
  for (const giveUpAt = performance.now() + READY_WITHIN_MS; performance.now() < giveUpAt; await sleep(50)) {
    const isReady = await fetch(new URL("/ready", admin)).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return true;
  }
  return false;
}
