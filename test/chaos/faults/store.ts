import { setTimeout as sleep } from "node:timers/promises";
import { RedisUnderTest, SqliteUnderTest } from "../store.ts";
import type { StoreName } from "../store.ts";
import type { Fault, Scene } from "./fault.ts";

/** What happens to a store that keeps the writes it acknowledged. */
export const storeFaults = (store: StoreName): Fault[] => (store === "redis" ? REDIS : SQLITE);

const SQLITE: Fault[] = [
  onSqlite("sqlite-locked", (store, dice) => store.lock(dice.whole(20, 2_500))), // beyond its busy timeout, too
  {
    kind: "sqlite-full",
    lane: "store",
    async strike({ site: { store }, dice, history }) {
      const disk = store instanceof SqliteUnderTest ? store.disk : undefined;
      if (disk === undefined) return;
      await history.fault("sqlite-full", "store", async () => {
        disk.fill();
        await sleep(dice.whole(100, 2_500));
        disk.free();
      });
    },
  },
];

const REDIS: Fault[] = [
  onRedis("redis-killed", ({ server }) => server.restart()),
  onRedis("redis-down", async ({ server }, dice) => {
    await server.kill9();
    await sleep(dice.whole(500, 2_500));
    await server.start();
  }),
  onRedis("redis-paused", async ({ server }, dice) => {
    server.stop();
    await sleep(dice.whole(100, 2_500));
    server.continue();
  }),
  onRedis("redis-full", async (store, dice) => {
    await store.command("CONFIG", "SET", "maxmemory", 1);
    await sleep(dice.whole(100, 1_500));
    await store.command("CONFIG", "SET", "maxmemory", 0);
  }),
  onRedis("redis-scripts-forgotten", async (store) => {
    await store.command("SCRIPT", "FLUSH");
  }),
];

function onSqlite(kind: string, strike: (store: SqliteUnderTest, dice: Scene["dice"]) => Promise<void>): Fault {
  return {
    kind,
    lane: "store",
    async strike({ site: { store }, dice, history }) {
      if (store instanceof SqliteUnderTest) await history.fault(kind, "store", () => strike(store, dice));
    },
  };
}

function onRedis(kind: string, strike: (store: RedisUnderTest, dice: Scene["dice"]) => Promise<void>): Fault {
  return {
    kind,
    lane: "store",
    async strike({ site: { store }, dice, history }) {
      if (store instanceof RedisUnderTest) await history.fault(kind, "store", () => strike(store, dice));
    },
  };
}
