import { cp, readdir, rename, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Redis } from "ioredis";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startSentinels } from "../support/redis-sentinels.ts";
import { until, untilItAnswers } from "../support/until.ts";
import { storeFile } from "./store-file.ts";

/** A store that is going to lose what it acknowledges after `prepare`. */
export type LosingStore = {
  url: string;
  /** Resolves to what makes it lose everything that it acknowledged since. */
  prepare(): Promise<() => Promise<void>>;
  close(): Promise<void>;
};

async function single(
  options: { appendonly?: boolean },
  prepare: (server: RedisServer, client: Redis) => Promise<() => Promise<void>>,
): Promise<LosingStore> {
  const server = await startRedis(options);
  const client = new Redis({ port: server.port, host: "127.0.0.1", retryStrategy: () => 50 });
  client.on("error", () => {});
  return {
    url: server.url,
    prepare: () => prepare(server, client),
    async close() {
      client.disconnect();
      await server.close();
    },
  };
}

async function startEmpty(server: RedisServer): Promise<void> {
  await server.kill9();
  await rm(join(server.dir, "appendonlydir"), { recursive: true });
  await server.start();
}

/** The file that Redis writes to; another one begins when it rewrites them, which small ones are spared. */
async function appendOnlyFile({ dir }: RedisServer): Promise<string> {
  const files = await readdir(join(dir, "appendonlydir"));
  return join(
    dir,
    "appendonlydir",
    files.find((name) => name.endsWith(".incr.aof"))!,
  );
}

/** One that other gateways have used takes its place. */
async function swap(server: RedisServer): Promise<void> {
  const other = await startRedis();
  const store = openRedis(other.url);
  await untilItAnswers(() => store.probe());
  await store.close();
  await other.kill9();
  await server.kill9();
  await rm(join(server.dir, "appendonlydir"), { recursive: true });
  await cp(join(other.dir, "appendonlydir"), join(server.dir, "appendonlydir"), { recursive: true });
  await server.start();
  await other.close();
}

async function onSentinel(): Promise<LosingStore> {
  const sentinels = await startSentinels({ replicas: 1, downAfterMs: 1_500 });
  return {
    url: sentinels.url,
    async prepare() {
      const master = await sentinels.master();
      const replica = sentinels.nodes.find((node) => node !== master)!;
      replica.stop();
      // What the master sends from now on does not even wait for it.
      const client = new Redis({ port: master.port, host: "127.0.0.1" });
      await client.call("CLIENT", "KILL", "TYPE", "replica");
      client.disconnect();
      return async () => {
        await master.kill9();
        replica.continue();
        await until("another master", async () => (await sentinels.master()) === replica);
      };
    },
    close: () => sentinels.close(),
  };
}

/** With its logs, as who restores a backup must. */
async function sqliteFromBackup(): Promise<LosingStore> {
  const store = storeFile();
  const { folder, url } = store;
  const [file, backup] = [join(folder, "oncegate.db"), join(folder, "backup.db")];
  return {
    url,
    async prepare() {
      const connection = new DatabaseSync(file, { timeout: 5_000 });
      connection.exec(`VACUUM INTO '${backup}'`);
      connection.close();
      return async () => {
        for (const path of [file, `${file}-wal`, `${file}-shm`]) await rm(path, { force: true });
        await rename(backup, file);
      };
    },
    close: async () => store.remove(),
  };
}

export const LOSSES: [what: string, start: () => Promise<LosingStore>][] = [
  ["Redis is killed and comes back empty", () => single({}, async (server) => () => startEmpty(server))],
  [
    "Redis comes back without the end of its append-only file",
    () =>
      single({}, async (server) => {
        const file = await appendOnlyFile(server);
        const { size } = await stat(file);
        return async () => {
          await server.kill9();
          await truncate(file, size);
          await server.start();
        };
      }),
  ],
  [
    "Redis is emptied by somebody (FLUSHALL)",
    () => single({}, async (_server, client) => async () => void (await client.flushall())),
  ],
  [
    "Redis is restored from an older snapshot",
    () =>
      single({ appendonly: false }, async (server, client) => {
        await client.save();
        return () => server.restart();
      }),
  ],
  ["Redis is swapped for another one", () => single({}, async (server) => () => swap(server))],
  ["Redis fails over to a replica that did not have everything", onSentinel],
  ["SQLite's file is replaced by a backup", sqliteFromBackup],
];
