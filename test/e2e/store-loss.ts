import { join } from "node:path";
import { Redis } from "ioredis";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { startSentinels } from "../support/redis-sentinels.ts";
import { backUpSqlite, cutTailOf, emptyRedis, swapRedis } from "../support/store-losses.ts";
import type { Lose } from "../support/store-losses.ts";
import { until } from "../support/until.ts";
import { storeFile } from "./store-file.ts";

/** A store that is going to lose what it acknowledges after `prepare`. */
export type LosingStore = {
  url: string;
  /** Resolves to what makes it lose everything that it acknowledged since. */
  prepare(): Promise<Lose>;
  close(): Promise<void>;
};

async function single(
  options: { appendonly?: boolean },
  prepare: (server: RedisServer, client: Redis) => Promise<Lose>,
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

async function sqliteFromBackup(): Promise<LosingStore> {
  const store = storeFile();
  return {
    url: store.url,
    prepare: async () => backUpSqlite(join(store.folder, "oncegate.db")),
    close: async () => store.remove(),
  };
}

export const LOSSES: [what: string, start: () => Promise<LosingStore>][] = [
  ["Redis is killed and comes back empty", () => single({}, async (server) => () => emptyRedis(server))],
  ["Redis comes back without the end of its append-only file", () => single({}, cutTailOf)],
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
  ["Redis is swapped for another one", () => single({}, async (server) => () => swapRedis(server))],
  ["Redis fails over to a replica that did not have everything", onSentinel],
  ["SQLite's file is replaced by a backup", sqliteFromBackup],
];
