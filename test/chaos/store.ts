import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { fillableDisk } from "./disk.ts";
import type { FillableDisk } from "./disk.ts";
import { compileShim } from "./shim.ts";
import { until } from "../support/until.ts";

export type StoreName = "redis" | "sqlite";

/** The store under test, and what is done to it behind the gateways' backs. */
export type StoreUnderTest = SqliteUnderTest | RedisUnderTest;

export class SqliteUnderTest {
  readonly name = "sqlite";
  readonly file: string;

  /** Absent where none can be made on this machine. */
  readonly disk: FillableDisk | undefined;

  constructor(folder: string) {
    this.file = join(folder, "oncegate.db");
    const shim = compileShim("diskfull", folder);
    this.disk = shim === undefined ? undefined : fillableDisk(shim, join(folder, "full"));
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

  records(): Promise<number> {
    return this.#count("SELECT count(*) AS n FROM record");
  }

  /** How many claims it acknowledged, of all processes. */
  claims(): Promise<number> {
    return this.#count("SELECT sum(count) AS n FROM witness");
  }

  async #count(query: string): Promise<number> {
    const database = new DatabaseSync(this.file, { timeout: 5_000 });
    try {
      return Number(database.prepare(query).get()?.["n"]);
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

  /** How many claims it acknowledged, of all processes. */
  async claims(): Promise<number> {
    const names = (await this.command("KEYS", "og:{*}:w:*")) as string[];
    if (names.length === 0) return 0;
    const counts = (await this.command("MGET", ...names)) as (string | null)[];
    return counts.reduce((sum, count) => sum + Number(count), 0);
  }

  async close(): Promise<void> {
    await this.server.close();
  }
}
