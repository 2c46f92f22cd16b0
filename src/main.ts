#!/usr/bin/env node
import cluster from "node:cluster";
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { FAILED } from "./surroundings.ts";
import type { Signal } from "./surroundings.ts";

/** The only reader of the arguments, the environment and signals. */
const { version, engines } = z
  .object({ version: z.string(), engines: z.object({ node: z.templateLiteral([">=", z.int()]) }) })
  .parse(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")));

const oldestNode = engines.node.slice(">=".length);
if (Number.parseInt(process.versions.node, 10) < Number(oldestNode)) {
  console.error(`oncegate needs Node ${oldestNode} or later, and this is ${process.versions.node}`);
  process.exit(FAILED);
}

/** npm and a terminal both pass a Ctrl-C on: the same signal again within this is one and the same. */
const ECHO_MS = 1_000;

const signals = new EventEmitter<{ signal: [Signal] }>();
let last: { signal: Signal; at: number } | undefined;
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => {
    const isEcho = last?.signal === signal && performance.now() - last.at < ECHO_MS;
    if (isEcho) return;
    last = { signal, at: performance.now() };
    signals.emit("signal", signal);
  });

/** Heard from now on, however late it is waited for. */
const handed = cluster.isWorker ? new Promise<unknown>((resolve) => process.once("message", resolve)) : undefined;

// A worker whose primary is gone gets no more connections: it ends as if told to, where Node would drop what runs.
if (cluster.worker !== undefined) {
  cluster.worker.exitedAfterDisconnect = true;
  process.once("disconnect", () => signals.emit("signal", "SIGTERM"));
}

const { run } = await import("./cli.ts"); // not before: an older Node would fail on what it imports
process.exitCode = await run({
  args: process.argv.slice(2),
  env: process.env,
  version,
  program: [process.execPath, ...process.execArgv, process.argv[1]!],
  readFile: (path) => readFileSync(path, "utf8"),
  print: (text) => console.log(text),
  complain: (text) => console.error(text),
  handed,
  nextSignal: () => new Promise((resolve) => signals.once("signal", resolve)),
  onHangup: (listener) => void process.on("SIGHUP", listener),
});
// Whatever is still open (a second signal, an upgraded connection) must not keep the process.
process.exit();
