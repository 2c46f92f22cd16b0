import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync } from "node:zlib";
import { Redis } from "ioredis";
import { startRedis } from "../test/support/redis-server.ts";
import { ENCRYPTED, startGateway } from "./contestants.ts";
import { anInvoice } from "./invoice.ts";
import { sendLoad } from "./program.ts";
import type { Program } from "./program.ts";
import { alignedTable, median } from "./table.ts";
import { FIRST_USE } from "./workloads.ts";

export type RecordRow = {
  name: string;
  answerBytes: number;
  /** Of the body alone by zstd, where it is stored compressed; otherwise as it is. */
  bodyBytes: number;
  records: number;
  bytesPerRecord: number;
  bytesAboveBody: number;
  appendedPerOperation: number;
  /** Of Redis. */
  cpuMicrosPerOperation: number;
};

const SECONDS = 4;
/** store/compression.ts. */
const COMPRESSED_FROM = 1_024;

/**
 * What JSON answers with eight headers cost in Redis: all that an own server and its append-only file grew by, tables and
 * indexes included, over what was added.
 */
export async function measureRecords(
  upstream: Program,
  folder: string,
): Promise<{ rows: RecordRow[]; bytesInFile: number; text: string }> {
  const bytesInFile = await measureFile(upstream, folder);
  const rows: RecordRow[] = [];
  for (const [answerBytes, name, more] of [
    [600, "in clear", {}],
    [600, "encrypted", ENCRYPTED],
    [2_000, "in clear", {}],
    [20_000, "in clear", {}],
  ] as const) {
    const dir = join(folder, `records ${answerBytes} ${name}`);
    mkdirSync(dir);
    const redis = await startRedis({ dir });
    const client = new Redis(redis.port, "127.0.0.1");
    try {
      const { url } = await startGateway(upstream, redis.url, folder, more);
      const workload = { ...FIRST_USE, answerBytes, isVaried: true };
      await sendLoad({ url, connections: 32, seconds: 1, workload }); // the scripts, and what connections take
      const before = await sizeOf(client);
      await sendLoad({ url, connections: 32, seconds: SECONDS, workload });
      const after = await sizeOf(client);
      const records = after.keys - before.keys;
      const bytesPerRecord = (after.bytes - before.bytes) / records;
      const bodyBytes = compressedBytes(answerBytes);
      const appendedPerOperation = (after.appended - before.appended) / records;
      const cpuMicrosPerOperation = ((after.cpuSeconds - before.cpuSeconds) * 1e6) / records;
      rows.push({
        name,
        answerBytes,
        bodyBytes,
        records,
        bytesPerRecord,
        bytesAboveBody: bytesPerRecord - bodyBytes,
        appendedPerOperation,
        cpuMicrosPerOperation,
      });
    } finally {
      client.disconnect();
      await redis.close();
    }
  }
  const cells = rows.map((row) => [
    `${row.answerBytes} B ${row.name}`,
    `${row.records}`,
    row.bytesPerRecord.toFixed(0),
    row.bodyBytes.toFixed(0),
    row.bytesAboveBody.toFixed(0),
    row.appendedPerOperation.toFixed(0),
    row.cpuMicrosPerOperation.toFixed(0),
  ]);
  const heads = ["Redis memory", "records", "bytes each", "stored body", "above it", "appended", "Redis CPU µs"];
  const inFile = `A record with an answer of 600 B in SQLite's file: ${bytesInFile.toFixed(0)} bytes`;
  return { rows, bytesInFile, text: `${alignedTable(heads, cells, 1)}\n${inFile}` };
}

/** Bytes of a SQLite file for each record of 600 B. */
async function measureFile(upstream: Program, folder: string): Promise<number> {
  const file = join(folder, "records.db");
  const { url } = await startGateway(upstream, `sqlite:${file}`, folder);
  await sendLoad({ url, connections: 32, seconds: SECONDS, workload: { ...FIRST_USE, isVaried: true } });
  const db = new DatabaseSync(file, { readOnly: true });
  const numberOf = (sql: string): number => Number(Object.values(db.prepare(sql).get()!)[0]);
  const bytes = numberOf("PRAGMA page_count") * numberOf("PRAGMA page_size");
  const records = numberOf("SELECT count(*) FROM record");
  db.close();
  return bytes / records;
}

function compressedBytes(bytes: number): number {
  if (bytes < COMPRESSED_FROM) return bytes;
  return median(Array.from({ length: 101 }, () => zstdCompressSync(anInvoice(bytes).body).length));
}

type Size = { keys: number; bytes: number; appended: number; cpuSeconds: number };

/** Without what a moment's connections take, and a log of what was slow. */
async function sizeOf(client: Redis): Promise<Size> {
  await client.slowlog("RESET");
  const info = await client.info("memory");
  const of = (field: string, text = info): number => Number(new RegExp(`^${field}:([\\d.]+)`, "m").exec(text)?.[1]);
  const bytes = of("used_memory") - of("mem_clients_normal") - of("mem_aof_buffer");
  const appended = of("aof_current_size", await client.info("persistence"));
  const cpu = await client.info("cpu");
  const cpuSeconds = of("used_cpu_user", cpu) + of("used_cpu_sys", cpu);
  return { keys: await client.dbsize(), bytes, appended, cpuSeconds };
}
