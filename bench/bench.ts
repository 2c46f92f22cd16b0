import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startField } from "./contestants.ts";
import type { Contestant, Field } from "./contestants.ts";
import { measureLatency } from "./latency.ts";
import { goalsOf } from "./goals.ts";
import { endPrograms, hasWrk, sendLoad } from "./program.ts";
import { measureRecords } from "./records.ts";
import type { Results } from "./results.ts";
import { rowOf, tableOf } from "./table.ts";
import type { Row, Turn } from "./table.ts";

/**
 * npm run bench -- [--rounds 5] [--seconds 4] [--warmup 10] [--connections 32] [--only TEXT]
 *
 * As many requests as fit through one contestant after another, in several rounds, then fewer for their latency. Ratios carry from
 * one machine to another, numbers do not. `--warmup`: as many seconds for each before the first round, because what V8 has not
 * compiled yet is not what an operator has: a first use costs half as much again in a gateway's first ten thousand. `--only`: the
 * contestants and workloads with that text in their names, and the bare proxy. Reads /proc, so it runs on Linux. A run becomes what
 * docs/sizing.md and docs/bench.svg say when its file is copied to bench/results/published.json and `npm run fix` has made them of it.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    warmup: { type: "string", default: "10" },
    connections: { type: "string", default: "32" },
    only: { type: "string", default: "" },
  },
});
const rounds = atLeastOne(values.rounds);
const seconds = atLeastOne(values.seconds);
const warmup = atLeastOne(values.warmup);
const connections = atLeastOne(values.connections);
/** What was cut off at the end of a turn is still executed, and belongs to it: until nothing happened for so long. */
const QUIET_MS = 300;

const folder = mkdtempSync(join(tmpdir(), "oncegate-bench-"));
process.once("exit", () => {
  endPrograms();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const field = await startField(folder);
try {
  console.log(
    `Rounds: ${rounds} of ${seconds} s each behind ${warmup} s of warm-up, ${connections} connections, ${cpus().length} CPUs, load by ${hasWrk ? "wrk" : "autocannon"}\n`,
  );
  const rows = await compete(field);
  console.log(`${tableOf(rows)}\n`);
  const latency = await measureLatency(field, rows, { rounds, seconds });
  console.log(`${latency.text}\n`);
  const records = await measureRecords(field.upstream, folder);
  console.log(`${records.text}\n`);
  const goals = goalsOf(rows, latency.rows, records.rows);
  console.log(`${goals}\n`);
  const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, node: process.version };
  const settings = { rounds, seconds, warmup, connections };
  console.log(
    `All figures: ${save({ at: new Date().toISOString(), machine, settings, rows, latency: latency.rows, records: records.rows, bytesInFile: records.bytesInFile })}`,
  );
} finally {
  await field.close();
}
process.exit();

async function compete({ contestants }: Field): Promise<Row[]> {
  const admitted = contestants.filter(
    ({ name, workload }) => name.startsWith("bare") || `${name}, ${workload.name}`.includes(values.only),
  );
  // It also makes the answer that is replayed.
  for (const contestant of admitted) await turnOf(contestant, warmup, true);
  const turns = new Map<Contestant, Turn[]>(admitted.map((contestant) => [contestant, []]));
  for (let round = 1; round <= rounds; round++)
    for (const contestant of admitted) turns.get(contestant)!.push(await turnOf(contestant, seconds, false));
  return [...turns].map(([{ name, workload }, done]) => rowOf({ name, workload: workload.name }, done));
}

/** Throws where requests were answered without being executed, or executed without having been asked for. */
async function turnOf(
  { name, program, workload, ignoresKeys }: Contestant,
  length: number,
  isFirst: boolean,
): Promise<Turn> {
  const [cpuBefore, executedBefore] = [program.cpuSeconds(), await executions()];
  const load = await sendLoad({ url: program.url, connections, seconds: length, workload });
  const executed = (await quietExecutions()) - executedBefore;
  const cpu = program.cpuSeconds() - cpuBefore;
  const [least, most] = expected(ignoresKeys ? "each its own" : workload.keys, load.answered, isFirst);
  if (executed < least || executed > most)
    throw new Error(
      `${name}, ${workload.name}: ${load.answered} answers and ${executed} executions, which must be ${least} to ${most}`,
    );
  return {
    requestsPerSecond: load.answered / load.seconds,
    cpuMicrosPerRequest: (cpu * 1e6) / load.answered,
    p50: load.p50,
    p99: load.p99,
    rssMiB: program.rssMiB(),
    errors: load.errors,
  };
}

/** The least and the most executions of so many answers; a request on each connection may have been cut off. */
function expected(keys: Contestant["workload"]["keys"], answered: number, isFirst: boolean): [number, number] {
  if (keys === "all the same") return [0, isFirst ? connections : 0];
  return [keys === "1% again" ? Math.floor(answered * 0.985) : answered, answered + connections];
}

async function executions(): Promise<number> {
  return Number(await (await fetch(`${field.upstream.url}/executions`)).text());
}

async function quietExecutions(): Promise<number> {
  for (let before = await executions(); ;) {
    await sleep(QUIET_MS);
    const now = await executions();
    if (now === before) return now;
    before = now;
  }
}

function save(results: Results): string {
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
