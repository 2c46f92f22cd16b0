import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "../../support/redis-server.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** The upstream's process, on one port and one ledger through all its lives. */
export class Upstream {
  readonly port: number;
  readonly ledger: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, ledger: string) {
    this.port = port;
    this.ledger = ledger;
  }

  static async start(ledger: string): Promise<Upstream> {
    const upstream = new Upstream(await freePort(), ledger);
    await upstream.start();
    return upstream;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const started = spawn(process.execPath, [MAIN, String(this.port), this.ledger], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = started;
    running.add(started);
    started.once("exit", () => running.delete(started));
    await Promise.race([
      once(started.stdout, "data"),
      once(started, "exit").then(() => {
        throw new Error("the upstream ended before it listened");
      }),
    ]);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    const killed = this.#process;
    if (killed === undefined) return;
    this.#process = undefined;
    killed.kill("SIGKILL");
    await once(killed, "exit");
  }
}
