import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { openStore } from "../src/store/open.ts";
import type { Store } from "../src/store/records.ts";
import { anAttempt, anyName, DAY, theAnswer } from "../test/store/operation.ts";
import { startRedis } from "../test/support/redis-server.ts";
import { alignedTable, median } from "./table.ts";

/**
 * npm run bench:growth -- [--counts 1000,100000,2000000] [--claims 20000] [--stores redis,sqlite]
 *
 * What a claim costs beside so many records of 600 B answers: in Redis the time of its script by Redis's own count, in SQLite the
 * time of a durable claim among 32 at once, commit included. Medians of several rounds.
 */
const { values } = parseArgs({
  options: {
    counts: { type: "string", default: "1000,100000,2000000" },
    claims: { type: "string", default: "20000" },
    stores: { type: "string", default: "redis,sqlite" },
  },
});
const counts = values.counts.split(",").map(Number);
const claims = Number(values.claims);
const ROUNDS = 5;
const AT_ONCE = 32;

/** A store that can be filled without its verbs, which would take hours. */
type Field = { fill(count: number): Promise<void>; cost(): Promise<number>; close(): Promise<void> };

/** Copies of one record under other names, as the hash tags of one partition allow; what a claim looks up is one key. */
const FILL = `
  local value = redis.call("GET", KEYS[1])
  for i = ARGV[1], ARGV[2] do redis.call("SET", "og:{A}:" .. redis.sha1hex(i) .. "00000", value, "PX", ARGV[3]) end
`;

const folder = mkdtempSync(join(tmpdir(), "oncegate-growth-"));
try {
  const cells: string[][] = [];
  for (const [name, open] of [
    ["redis", openOnRedis],
    ["sqlite", openOnSqlite],
  ] as const) {
    if (!values.stores.includes(name)) continue;
    const fields: Field[] = [];
    for (const count of counts) {
      const field = await open(join(folder, `${count}.db`));
      await field.fill(count);
      fields.push(field);
    }
    // In turns, so that whatever else the machine does is beside all of them.
    const micros = counts.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [i, field] of fields.entries()) micros[i]!.push(await field.cost());
    for (const [i, count] of counts.entries()) {
      const ratios = micros[i]!.map((one, round) => one / micros[0]![round]!);
      cells.push([name, count.toLocaleString("en"), median(micros[i]!).toFixed(1), median(ratios).toFixed(2)]);
    }
    for (const field of fields) await field.close();
  }
  console.log(alignedTable(["store", "records", "µs/claim", `x at ${counts[0]!.toLocaleString("en")}`], cells, 1));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();

async function openOnRedis(): Promise<Field> {
  const server = await startRedis({ extra: ["--appendfsync", "no"] });
  const client = new Redis(server.port, "127.0.0.1");
  const store = await opened(server.url);
  const model = await completed(store);
  const [key] = (await client.keys("og:*")).filter((one) => one.endsWith(model));
  return {
    async fill(count) {
      for (let at = 0; at < count; at += 10_000)
        await client.eval(FILL, 1, key!, at, Math.min(at + 10_000, count) - 1, DAY);
    },
    cost: () =>
      costOf(store, async (claimAll) => {
        await client.config("RESETSTAT");
        await claimAll();
        const stats = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(await client.info("commandstats"))!;
        return Number(stats[2]) / Number(stats[1]);
      }),
    async close() {
      await store.close();
      client.disconnect();
      await server.close();
    },
  };
}

async function openOnSqlite(file: string): Promise<Field> {
  const store = await opened(`sqlite:${file}`);
  const model = await completed(store);
  const db = new DatabaseSync(file, { timeout: 60_000 });
  const columns = db
    .prepare("SELECT name FROM pragma_table_info('record')")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => name !== "name");
  return {
    async fill(count) {
      for (let at = 0; at < count; at += 10_000) {
        db.prepare(
          `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
           INSERT INTO record (name, ${columns.join()}) SELECT hex(randomblob(22)), ${columns.join()} FROM record, n WHERE name = ?`,
        ).run(Math.min(10_000, count - at), model);
        await sleep(1); // a claim or a renewal of the store in between
      }
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    },
    cost: () =>
      costOf(store, async (claimAll) => {
        const from = performance.now();
        await claimAll();
        return ((performance.now() - from) * 1_000) / claims;
      }),
    async close() {
      db.close();
      await store.close();
    },
  };
}

async function opened(location: string): Promise<Store> {
  const store = await openStore(location, { mayEvict: false, waitReplicas: 0 });
  for (let tries = 0; ; tries++)
    try {
      await store.probe();
      await store.nameSecret(Buffer.alloc(32, 1));
      return store;
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(100);
    }
}

/** The name of a record as an answer of 600 B leaves it. */
async function completed(store: Store): Promise<string> {
  const [name, attempt] = [anyName(), anAttempt(store)];
  await store.records.claim(name, attempt);
  await store.records.complete(name, theAnswer(attempt, "x".repeat(900), DAY));
  return name;
}

/** Of claims that are released again, untimed, so that the next round finds as many records. */
async function costOf(store: Store, take: (claimAll: () => Promise<void>) => Promise<number>): Promise<number> {
  const attempts = Array.from({ length: claims }, () => [anyName(), anAttempt(store)] as const);
  const ofEach = async (ask: (attempt: (typeof attempts)[number]) => Promise<unknown>): Promise<void> => {
    const left = [...attempts];
    const one = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await ask(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  };
  const micros = await take(() =>
    ofEach(([name, attempt]) => store.records.claim(name, { ...attempt, deadline: store.records.time(name) + 5_000 })),
  );
  await ofEach(([name, { owner }]) => store.records.release(name, owner));
  return micros;
}
