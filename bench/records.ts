import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startRedis } from "../test/support/redis-server.ts";
import { ENCRYPTED, startGateway } from "./contestants.ts";
import { sendLoad } from "./program.ts";
import type { Program } from "./program.ts";
import { alignedTable } from "./table.ts";
import { FIRST_USE } from "./workloads.ts";

export type RecordRow = { name: string; records: number; bytesPerRecord: number; bytesAboveBody: number };

const SECONDS = 4;

/** What an answer of 600 B costs in Redis: all that an own server grew by, tables and indexes included, over what was added. */
export async function measureRecords(upstream: Program, folder: string): Promise<{ rows: RecordRow[]; text: string }> {
  const rows: RecordRow[] = [];
  for (const [name, more] of [
    ["in clear", {}],
    ["encrypted", ENCRYPTED],
  ] as const) {
    const dir = join(folder, `records ${name}`);
    mkdirSync(dir);
    const redis = await startRedis({ dir });
    const client = new Redis(redis.port, "127.0.0.1");
    try {
      const { url } = await startGateway(upstream, redis.url, folder, more);
      const before = await sizeOf(client);
      await sendLoad({ url, connections: 32, seconds: SECONDS, workload: FIRST_USE });
      const after = await sizeOf(client);
      const records = after.keys - before.keys;
      const bytesPerRecord = (after.bytes - before.bytes) / records;
      rows.push({ name, records, bytesPerRecord, bytesAboveBody: bytesPerRecord - FIRST_USE.answerBytes });
    } finally {
      client.disconnect();
      await redis.close();
    }
  }
  const cells = rows.map((row) => [
    row.name,
    `${row.records}`,
    row.bytesPerRecord.toFixed(0),
    row.bytesAboveBody.toFixed(0),
  ]);
  return {
    rows,
    text: alignedTable(["Redis memory, answers of 600 B", "records", "bytes each", "above the body"], cells, 1),
  };
}

async function sizeOf(client: Redis): Promise<{ keys: number; bytes: number }> {
  const bytes = Number(/used_memory:(\d+)/.exec(await client.info("memory"))?.[1]);
  return { keys: await client.dbsize(), bytes };
}
