import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startField } from "./contestants.ts";
import type { Contestant, Field } from "./contestants.ts";
import { endPrograms, sendLoad, startProgram } from "./program.ts";
import { rowOf, tableOf } from "./table.ts";
import type { Turn } from "./table.ts";

/**
 * npm run bench -- [--rounds 3] [--seconds 4] [--connections 32]
 *
 * Requests of 400 B with answers of 600 B, as many as fit, through one contestant after another, in several rounds. Ratios carry
 * from one machine to another, numbers do not. Reads /proc, so it runs on Linux.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "4" },
    connections: { type: "string", default: "32" },
  },
});
const [rounds, seconds, connections] = [values.rounds, values.seconds, values.connections].map(atLeastOne);
/** What was cut off at the end of a turn is still executed, and belongs to it. */
const AFTERMATH_MS = 300;

const folder = mkdtempSync(join(tmpdir(), "oncegate-bench-"));
process.once("exit", () => {
  endPrograms();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const upstream = await startProgram("./upstream.ts", {}, folder);
const field = await startField(upstream.url, folder);
try {
  await compete(field);
} finally {
  await field.redis?.close();
}
process.exit();

async function compete({ contestants }: Field): Promise<void> {
  console.log(`Rounds: ${rounds} of ${seconds} s each, ${connections} connections, ${cpus().length} CPUs`);
  // A warm-up, which also makes the answer that is replayed.
  for (const contestant of contestants) await turnOf(contestant, 1, true);
  const turns = new Map<string, Turn[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds!; round++)
    for (const contestant of contestants) turns.get(contestant.name)!.push(await turnOf(contestant, seconds!, false));
  const rows = [...turns].map(([name, done]) => rowOf(name, done));
  console.log(`\n${tableOf(rows)}\n`);
  const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, node: process.version };
  console.log(`All figures: ${save({ at: new Date().toISOString(), machine, rounds, seconds, connections, rows })}`);
}

/** Throws where requests were answered without being executed, or executed without having been asked for. */
async function turnOf(
  { name, program, headers, executes }: Contestant,
  length: number,
  isFirst: boolean,
): Promise<Turn> {
  const [cpuBefore, executedBefore] = [program.cpuSeconds(), await executions()];
  const load = await sendLoad({ url: program.url, connections: connections!, seconds: length, headers });
  await sleep(AFTERMATH_MS);
  const [cpu, executed] = [program.cpuSeconds() - cpuBefore, (await executions()) - executedBefore];
  const [least, most] = executes ? [load.answered, load.answered + connections!] : [0, isFirst ? 1 : 0];
  if (executed < least || executed > most)
    throw new Error(`${name}: ${load.answered} answers and ${executed} executions, which must be ${least} to ${most}`);
  return {
    requestsPerSecond: load.answered / load.seconds,
    cpuMicrosPerRequest: (cpu * 1e6) / load.answered,
    p50: load.p50,
    p99: load.p99,
    rssMiB: program.rssMiB(),
    errors: load.errors,
  };
}

async function executions(): Promise<number> {
  return Number(await (await fetch(upstream.url)).text());
}

function save(results: object): string {
  const kept = fileURLToPath(new URL("../.cache/bench/", import.meta.url));
  mkdirSync(kept, { recursive: true });
  const file = join(kept, `${new Date().toISOString().replaceAll(":", "-")}.json`);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  return file;
}

function atLeastOne(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`a whole number of at least 1, not ${text}`);
  return count;
}
