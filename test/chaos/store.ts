import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { until } from "../support/until.ts";

export type StoreName = "redis" | "sqlite";

/** The store under test, and what is done to it behind the gateways' backs. */
export type StoreUnderTest = SqliteUnderTest | RedisUnderTest;

export class SqliteUnderTest {
  readonly name = "sqlite";
  readonly file: string;

  constructor(folder: string) {
    this.file = join(folder, "oncegate.db");
  }

  /** Another program holds the file for this long. */
  async lock(ms: number): Promise<void> {
    const database = new DatabaseSync(this.file, { timeout: 0 });
    try {
      // A gateway that is paused in its transaction holds it too.
      await until("the file can be locked", () => {
        try {
          database.exec("BEGIN IMMEDIATE");
          return true;
        } catch {
          return false;
        }
      });
      await sleep(ms);
      database.exec("ROLLBACK");
    } finally {
      database.close();
    }
  }

  async records(): Promise<number> {
    const database = new DatabaseSync(this.file, { timeout: 5_000 });
    try {
      return Number(database.prepare("SELECT count(*) AS n FROM record").get()?.["n"]);
    } finally {
      database.close();
    }
  }

  async close(): Promise<void> {}
}

/** Two tokens behind the partition: indexes, journals, marks and counts have other names. */
const RECORD = /^og:\{.\}:[\w-]{22}\.[\w-]{22}$/;

export class RedisUnderTest {
  readonly name = "redis";
  readonly server: RedisServer;

  private constructor(server: RedisServer) {
    this.server = server;
  }

  static async start(env: Record<string, string>): Promise<RedisUnderTest> {
    return new RedisUnderTest(await startRedis({ env }));
  }

  /** One command, past every proxy; on a connection of its own, which nothing disturbs. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    const client = new Redis(this.server.url, { lazyConnect: true, retryStrategy: null });
    client.on("error", () => {});
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async records(): Promise<number> {
    const names = (await this.command("KEYS", "og:{*")) as string[];
    return names.filter((name) => RECORD.test(name)).length;
  }

  async close(): Promise<void> {
    await this.server.close();
  }
}
