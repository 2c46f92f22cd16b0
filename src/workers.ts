import cluster from "node:cluster";
import type { Worker } from "node:cluster";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { z } from "zod";
import type { ClientSide } from "./client-side.ts";
import type { RulesFiles } from "./config/rules.ts";

/** One that ends sooner would end again at once. */
const YOUNG_MS = 5_000;
const PAUSE_MS = 1_000;

/** What a worker is told first: the texts of the rules that are in force, whatever its file holds by then. */
const Handed = z.object({ rulesFiles: z.record(z.string(), z.string()) });

export const rulesFilesIn = (message: unknown): RulesFiles => Handed.parse(message).rulesFiles;

/**
 * The client side in `count` processes that share its port, each the same program with the same environment (node:cluster). One
 * that dies leaves its operations to their leases, as any gateway, and gets a successor. They stop as this
 * process does, by its signal. Rejects where one of the first ends before it listens; it has said why itself.
 */
export async function startWorkers(count: number, firstFiles: RulesFiles, log: Logger): Promise<ClientSide> {
  let rulesFiles = firstFiles;
  const running = new Set<Worker>();
  let isStopping = false;

  const start = (): Worker => {
    const worker = cluster.fork();
    worker.send({ rulesFiles } satisfies z.input<typeof Handed>, () => {}); // one that is dead already says so by its exit
    const startedAt = performance.now();
    running.add(worker);
    worker.once("exit", (code, signal) => {
      running.delete(worker);
      if (isStopping || !hasStarted) return;
      log.error({ worker: worker.id, code, signal }, "a worker ended: another one takes its place");
      const pause = performance.now() - startedAt < YOUNG_MS ? PAUSE_MS : 0;
      setTimeout(() => isStopping || start(), pause);
    });
    return worker;
  };
  const tell = (signal: NodeJS.Signals): void => {
    for (const worker of running) worker.process.kill(signal);
  };
  const ended = async (): Promise<void> => {
    while (running.size > 0) await Promise.all([...running].map((worker) => once(worker, "exit")));
  };

  let hasStarted = false;
  const urls = await Promise.all(Array.from({ length: count }, () => urlOf(start()))).catch(async (error: unknown) => {
    tell("SIGTERM");
    await ended();
    throw error;
  });
  hasStarted = true;
  return {
    url: urls[0]!,
    useRules(loaded) {
      if (loaded.kind === "rules") rulesFiles = loaded.files;
      tell("SIGHUP"); // each reads the file itself
    },
    drain(signal) {
      isStopping = true;
      tell(signal);
    },
    finish: ended,
    abandon: ended,
    async close() {
      isStopping = true;
      await Promise.race([ended(), sleep(PAUSE_MS)]);
      tell("SIGKILL");
    },
  };
}

/** Resolves when it listens. */
function urlOf(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.once("listening", ({ address, port }) => {
      resolve(`http://${address.includes(":") ? `[${address}]` : address}:${port}`);
    });
    worker.once("exit", () => reject(new Error("a worker ended before it served")));
  });
}
