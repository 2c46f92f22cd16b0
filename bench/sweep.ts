import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHistogram } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Store } from "../src/store/records.ts";
import { openSqlite } from "../src/store/sqlite/open-sqlite.ts";
import { anAttempt, anyName, DAY, HOUR, theAnswer } from "../test/store/operation.ts";
import { alignedTable, median } from "./table.ts";

/**
 * npm run bench:sweep -- [--expired 50000] [--rate 200] [--seconds 10] [--rounds 5]
 *
 * How long claims and settles of a SQLite store take at a constant rate of operations, in turns with nothing to sweep and with so many
 * expired records that the sweep does not end before the turn does.
 */
const { values } = parseArgs({
  options: {
    expired: { type: "string", default: "50000" },
    rate: { type: "string", default: "200" },
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "5" },
  },
});
const [expired, rate, seconds, rounds] = [values.expired, values.rate, values.seconds, values.rounds].map(Number) as [
  number,
  number,
  number,
  number,
];
const TICK_MS = 5;

type Turn = { p50: number; p99: number; most: number; sweptPerSecond: number };

const folder = mkdtempSync(join(tmpdir(), "oncegate-sweep-"));
const file = join(folder, "sweep.db");
try {
  const turns: Record<"without" | "sweeping", Turn[]> = { without: [], sweeping: [] };
  for (let round = 0; round < rounds; round++) {
    turns.without.push(await turn(false));
    turns.sweeping.push(await turn(true));
  }
  const cells = Object.entries(turns).map(([name, of]) => {
    const mid = (field: keyof Turn): number => median(of.map((one) => one[field]));
    return [
      name,
      ...(["p50", "p99", "most"] as const).map((field) => mid(field).toFixed(2)),
      mid("sweptPerSecond").toFixed(0),
    ];
  });
  console.log(alignedTable(["sweep", "p50 ms", "p99 ms", "most ms", "swept/s"], cells, 1));
  const ratios = turns.without.map(({ p99 }, i) => turns.sweeping[i]!.p99 / p99);
  console.log(`p99 while sweeping : p99 without  ${median(ratios).toFixed(2)}  (goal: at most 2)`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

/** A store opened anew begins to sweep at once. */
async function turn(isSweeping: boolean): Promise<Turn> {
  const first = await openSqlite({ file, sweepEveryMs: DAY });
  const model = anyName();
  const attempt = anAttempt(first);
  await first.records.claim(model, attempt);
  await first.records.complete(model, theAnswer(attempt, "x".repeat(700), DAY));
  await first.close();
  const db = new DatabaseSync(file, { timeout: 60_000 });
  const leftOver = (): number =>
    Number(db.prepare("SELECT count(*) AS n FROM record WHERE expires < ?").get(Date.now())!["n"]);
  if (isSweeping) expire(db, model);
  const store = await openSqlite({ file, sweepEveryMs: DAY });
  const before = leftOver();
  const turned = await serve(store);
  const left = leftOver();
  if (isSweeping && left === 0) throw new Error("the sweep was over before the turn was: more --expired");
  db.exec("DELETE FROM record");
  db.close();
  await store.close();
  return { ...turned, sweptPerSecond: (before - left) / seconds };
}

function expire(db: DatabaseSync, model: string): void {
  const columns = db
    .prepare("SELECT name FROM pragma_table_info('record')")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => name !== "name" && name !== "expires")
    .join();
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO record (name, expires, ${columns}) SELECT hex(randomblob(22)), ?, ${columns} FROM record, n WHERE name = ?`,
  ).run(expired, Date.now() - HOUR, model);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

/** Operations begin when they are due, whether earlier ones have ended or not. */
async function serve(store: Store): Promise<Omit<Turn, "sweptPerSecond">> {
  const micros = createHistogram();
  const timed = async (ask: Promise<unknown>): Promise<void> => {
    const from = performance.now();
    await ask;
    micros.record(Math.max(1, Math.round((performance.now() - from) * 1_000)));
  };
  const operation = async (): Promise<void> => {
    const [name, attempt] = [anyName(), anAttempt(store)];
    await timed(store.records.claim(name, attempt));
    await timed(store.records.complete(name, theAnswer(attempt, "x".repeat(700), DAY)));
  };
  const from = performance.now();
  const all: Promise<void>[] = [];
  while (performance.now() - from < seconds * 1_000) {
    await sleep(TICK_MS);
    while (all.length < ((performance.now() - from) / 1_000) * rate) all.push(operation());
  }
  await Promise.all(all);
  const of = (percent: number): number => micros.percentile(percent) / 1_000;
  return { p50: of(50), p99: of(99), most: micros.max / 1_000 };
}
