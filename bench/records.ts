import { mkdirSync } from "node:fs";
import { join } from "node:path";
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
};

const SECONDS = 4;
/** store/compression.ts. */
const COMPRESSED_FROM = 1_024;

/**
 * What JSON answers with eight headers cost in Redis: all that an own server and its append-only file grew by, tables and
 * indexes included, over what was added.
 */
export async function measureRecords(upstream: Program, folder: string): Promise<{ rows: RecordRow[]; text: string }> {
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
      rows.push({
        name,
        answerBytes,
        bodyBytes,
        records,
        bytesPerRecord,
        bytesAboveBody: bytesPerRecord - bodyBytes,
        appendedPerOperation,
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
  ]);
  return {
    rows,
    text: alignedTable(["Redis memory", "records", "bytes each", "stored body", "above it", "appended"], cells, 1),
  };
}

function compressedBytes(bytes: number): number {
  if (bytes < COMPRESSED_FROM) return bytes;
  return median(Array.from({ length: 101 }, () => zstdCompressSync(anInvoice(bytes).body).length));
}

/** Without what a moment's connections take. */
async function sizeOf(client: Redis): Promise<{ keys: number; bytes: number; appended: number }> {
  const info = await client.info("memory");
  const of = (field: string, text = info): number => Number(new RegExp(`^${field}:(\\d+)`, "m").exec(text)?.[1]);
  const bytes = of("used_memory") - of("mem_clients_normal") - of("mem_aof_buffer");
  const appended = of("aof_current_size", await client.info("persistence"));
  return { keys: await client.dbsize(), bytes, appended };
}
