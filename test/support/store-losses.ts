import { cp, readdir, rm, stat, truncate } from "node:fs/promises";
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import { startRedis } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";
import { untilItAnswers } from "./until.ts";

/** What makes a store lose something that it acknowledged. */
export type Lose = () => Promise<void>;

const appendOnly = ({ dir }: RedisServer): string => join(dir, "appendonlydir");

/** It is killed and comes back empty. */
export async function emptyRedis(server: RedisServer): Promise<void> {
  await server.kill9();
  await rm(appendOnly(server), { recursive: true });
  await server.start();
}

/** It is killed and comes back without what it wrote since this was called, as from a disk that did not sync. */
export async function cutTailOf(server: RedisServer): Promise<Lose> {
  // The file that it writes to; another one begins when it rewrites them, which small ones are spared.
  const files = await readdir(appendOnly(server));
  const file = join(
    appendOnly(server),
    files.find((name) => name.endsWith(".incr.aof"))!,
  );
  const { size } = await stat(file);
  return async () => {
    await server.kill9();
    await truncate(file, size);
    await server.start();
  };
}

/** One that other gateways have used takes its place. */
export async function swapRedis(server: RedisServer): Promise<void> {
  const other = await startRedis();
  try {
    const store = openRedis(other.url);
    await untilItAnswers(() => store.probe());
    await store.close();
    await other.kill9();
    await server.kill9();
    await rm(appendOnly(server), { recursive: true });
    await cp(appendOnly(other), appendOnly(server), { recursive: true });
    await server.start();
  } finally {
    await other.close();
  }
}

/** A backup that is made when this is called takes its place, in one tick: nobody opens anything in between. */
export function backUpSqlite(file: string): Lose {
  const backup = `${file}.backup`;
  const connection = new DatabaseSync(file, { timeout: 5_000 });
  connection.exec(`VACUUM INTO '${backup}'`);
  connection.close();
  return async () => {
    removeFiles(file);
    renameSync(backup, file);
  };
}

export async function removeSqlite(file: string): Promise<void> {
  removeFiles(file);
}

/** With its logs, as who restores a backup must. */
function removeFiles(file: string): void {
  for (const path of [file, `${file}-wal`, `${file}-shm`]) rmSync(path, { force: true });
}
