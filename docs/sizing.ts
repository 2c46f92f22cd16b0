import type { RecordRow } from "../bench/records.ts";
import type { Results } from "../bench/results.ts";
import { PARTITIONS, indexKey, SLOTS, slotOf } from "../src/store/redis/layout.ts";

/** What a processor or a server is meant to be used for at most: the rest is for bursts, for a neighbour that is down, for a day that is busier. */
const USED_CPU = 0.5;
const USED_MEMORY = 0.5;
const SERVER_BYTES = 64e9;
const DAY_SECONDS = 86_400;
/** Of 100 operations so many come again and are answered from the store. */
const RETRIED = 0.02;
const RATES = [10, 1_000, 100_000];
const CLUSTERS = [3, 6, 16];

/** docs/sizing.md, of the published run of the bench: every figure that is derived follows from its table. */
export function sizingPage(results: Results, generated: string): string {
  const { at, machine, rows, records, bytesInFile } = results;
  const rowOf = (name: string, workload: string) =>
    rows.find((row) => row.name === name && row.workload === workload)!.median;
  const cpu = {
    firstUse: rowOf("Oncegate, redis", "small").cpuMicrosPerRequest,
    replay: rowOf("Oncegate, redis", "small, all duplicates").cpuMicrosPerRequest,
    passing: rowOf("Oncegate, pass-through", "small").cpuMicrosPerRequest,
    onSqlite: rowOf("Oncegate, sqlite", "small").cpuMicrosPerRequest,
  };
  const sqlitePerSecond = rowOf("Oncegate, sqlite", "small").requestsPerSecond;
  const recordOf = (size: number): RecordRow =>
    records.find(({ answerBytes, name }) => answerBytes === size && name === "in clear")!;
  const [small, medium, large] = [recordOf(600), recordOf(2_000), recordOf(20_000)];

  const micros = (rate: number): number => rate * (cpu.firstUse + RETRIED * cpu.replay);
  const processes = (rate: number): number => Math.max(2, Math.ceil(micros(rate) / 1e6 / USED_CPU));
  const memory = (rate: number, { bytesPerRecord }: RecordRow): number => rate * DAY_SECONDS * bytesPerRecord;
  const byCpu = (rate: number): number => Math.ceil((rate * small.cpuMicrosPerOperation) / 1e6 / USED_CPU);
  const byMemory = (rate: number, record: RecordRow): number =>
    Math.ceil(memory(rate, record) / SERVER_BYTES / USED_MEMORY);
  const line = (name: string, of: (rate: number) => string): string => `| ${name} | ${RATES.map(of).join(" | ")} |`;

  const top = RATES[2]!;
  const most = {
    memory: memory(top, small),
    needed: Math.max(byCpu(top), byMemory(top, small)),
    inAnHour: Math.max(byCpu(top), Math.ceil(memory(top, small) / 24 / SERVER_BYTES / USED_MEMORY)),
  };

  return `# How many gateways, and which Redis

${generated} Its figures are those of one run of \`npm run bench\`
(bench/results/published.json); what is derived from them is computed by docs/sizing.ts.

## What was measured

${at.slice(0, 10)}, ${machine.cpu ?? "an unknown processor"}, ${machine.cpus} CPUs shared by load, gateway, store and API, Node ${machine.node}. Requests of 400 B, JSON answers with eight headers.

![Requests per second and CPU per request, Oncegate and others](bench.svg)

| CPU of the gateway for one | µs |
| --- | --- |
| operation (a first use), answer of 600 B, Redis | ${cpu.firstUse.toFixed(0)} |
| operation, SQLite | ${cpu.onSqlite.toFixed(0)} |
| retry, answered from the store | ${cpu.replay.toFixed(0)} |
| request without a key, passed through | ${cpu.passing.toFixed(0)} |

| in Redis, for one operation | answer of 600 B | of 2 KB | of 20 KB |
| --- | --- | --- | --- |
| memory, for the length of its retention | ${[small, medium, large].map(({ bytesPerRecord }) => bytes(bytesPerRecord)).join(" | ")} |
| written to the append-only file | ${[small, medium, large].map(({ appendedPerOperation }) => bytes(appendedPerOperation)).join(" | ")} |
| CPU of Redis, µs | ${[small, medium, large].map((row) => row.cpuMicrosPerOperation.toFixed(0)).join(" | ")} |
| round trips | 2 | 2 | 2 |

The round trips are the claim and the settling; a retry is one. Where replicas are waited for (Sentinel, Cluster) each of the two is followed by
a \`WAIT\`; a rule with \`serialize\` makes three more, one with \`duplicates\` three. Answers are compressed from 1 KB on, so that 2 KB of JSON
take little more than 600 B. Redis's allocator knows few sizes: an answer somewhat longer or shorter takes up to a seventh more or as much.
A record with an answer of 600 B takes ${bytes(bytesInFile)} in SQLite's file.

## Derived: 24 h of retention

A processor is used to ${percent(USED_CPU)} at most, and so is a Redis server's memory, of ${bytes(SERVER_BYTES)} each: the rest is for bursts, fragmentation,
the copy that \`BGREWRITEAOF\` makes, and a day that is busier. ${percent(RETRIED)} of the operations come again.

| operations per second, with answers of 600 B | ${RATES.map(count).join(" | ")} |
| --- |${" --- |".repeat(RATES.length)}
${[
  line("cores that gateways use", (rate) => number(micros(rate) / 1e6)),
  line("gateways (processes; at least 2, for the one that is restarted)", (rate) => count(processes(rate))),
  line("records", (rate) => count(rate * DAY_SECONDS)),
  line("memory of Redis", (rate) => bytes(memory(rate, small))),
  line("the same with answers of 2 KB", (rate) => bytes(memory(rate, medium))),
  line("the same with answers of 20 KB", (rate) => bytes(memory(rate, large))),
  line("round trips per second", (rate) => count(rate * (2 + RETRIED))),
  line("cores that Redis uses", (rate) => number((rate * small.cpuMicrosPerOperation) / 1e6)),
  line("append-only files grow by, per second", (rate) => bytes(rate * small.appendedPerOperation)),
  line("masters by their CPU", (rate) => count(byCpu(rate))),
  line("masters by their memory", (rate) => count(byMemory(rate, small))),
  line("**masters**, each with a replica", (rate) => asMasters(Math.max(byCpu(rate), byMemory(rate, small)))),
  line("file of a SQLite store instead", (rate) =>
    rate > sqlitePerSecond * USED_CPU ? "no" : bytes(rate * DAY_SECONDS * bytesInFile),
  ),
].join("\n")}

What breaks first:

- **${count(RATES[0]!)} a second**: nothing. One machine with a SQLite file is enough where it may be away for as long as it takes to restart;
  a small Redis with a replica and two gateways where it may not.
- **${count(RATES[1]!)} a second**: the memory of one Redis. Processors hardly notice: gateways use ${number(micros(RATES[1]!) / 1e6)} cores and Redis ${number((RATES[1]! * small.cpuMicrosPerOperation) / 1e6)}.
  A shorter retention is the cheapest cure: ${bytes(memory(RATES[1]!, small) / 24)} for each hour that clients still retry in. ${sqlitePerSecond * USED_CPU > RATES[1]! ? "SQLite can do it, on one machine and with a large file." : "SQLite cannot: it makes " + count(Math.round(sqlitePerSecond)) + " a second here when it does nothing else."}
- **${count(top)} a second**: memory, by far. ${most.needed > PARTITIONS.length ? `More masters would be needed than there are slots to share out (${PARTITIONS.length}); as many as that, used to ${percent(USED_MEMORY)}, had ${bytes(most.memory / USED_MEMORY / PARTITIONS.length)} each.` : `It takes ${count(most.needed)} masters.`}
  With a retention of one hour it is ${bytes(most.memory / 24)}, and ${count(most.inAnHour)} masters. Then the disks: with \`appendfsync always\` each of them syncs for every few operations.
  Then the connections: every gateway has some to every master.

## Which slots go to which master

Oncegate's records lie in ${PARTITIONS.length} of a cluster's ${count(SLOTS)} slots, and not evenly: \`redis-cli --cluster create\` gives equal ranges, of which one has many
of them. With these ranges (\`CLUSTER ADDSLOTSRANGE\`, or \`redis-cli --cluster reshard\`) every master has as many as the next.

| masters | most of the ${PARTITIONS.length} by equal ranges | last slot of each master's range for an even share |
| --- | --- | --- |
${CLUSTERS.map((masters) => `| ${masters} | ${mostBySplit(masters)} (${percent(mostBySplit(masters) / PARTITIONS.length)} of the records) | ${lastSlots(masters).join(", ")} |`).join("\n")}
`;
}

const slots = PARTITIONS.map((partition) => slotOf(indexKey(partition))).toSorted((a, b) => a - b);

function mostBySplit(masters: number): number {
  const of = Map.groupBy(slots, (slot) => Math.floor((slot * masters) / SLOTS));
  return Math.max(...Array.from(of.values(), (some) => some.length));
}

function lastSlots(masters: number): number[] {
  const inner = Array.from(
    { length: masters - 1 },
    (_, i) => slots[Math.round((slots.length * (i + 1)) / masters) - 1]!,
  );
  return [...inner, SLOTS - 1];
}

function asMasters(needed: number): string {
  if (needed > PARTITIONS.length) return `${count(needed)}: more than can be`;
  return needed < 3 ? String(needed) : `${needed} (Cluster)`;
}

const count = (value: number): string => value.toLocaleString("en");
const number = (value: number): string =>
  Number(value.toPrecision(2)).toLocaleString("en", { maximumSignificantDigits: 2 });
const percent = (part: number): string => `${(part * 100).toFixed(0)} %`;

function bytes(value: number): string {
  const unit = ["B", "KB", "MB", "GB", "TB"].findLast((_, i) => value >= 1_000 ** i) ?? "B";
  const power = ["B", "KB", "MB", "GB", "TB"].indexOf(unit);
  return `${number(value / 1_000 ** power)} ${unit}`;
}
