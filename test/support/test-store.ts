import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Name } from "../../src/domain/record.ts";
import type { Store } from "../../src/store/records.ts";
import { redisFixture } from "../store/redis-fixture.ts";
import { sqliteFixture } from "../store/sqlite-fixture.ts";

/** A store as gateways are pointed at it, and what a test may do to it behind their backs. */
export type TestStore = {
  /** For ONCEGATE_STORE. */
  url: string;
  /** Another process's handle on the same data. */
  open(): Promise<Store>;
  /** Everything stored becomes this much older. */
  advance(ms: number): Promise<void>;
  /** Of every record. */
  names(): Promise<Name[]>;
  /** All it holds in memory and on disk: names, values and logs. */
  contents(): Promise<Buffer>;
  /** Removes every record, as an operator would who knows that nothing was executed. */
  forget(): Promise<void>;
  /** From now on nothing can be written and verbs get no answer in time, until `recover`. */
  fail(): void;
  recover(): void;
  destroy(): Promise<void>;
};

export const STORES: [name: string, start: () => Promise<TestStore>][] = [
  ["sqlite", sqliteTestStore],
  ["redis", redisTestStore],
];

async function sqliteTestStore(): Promise<TestStore> {
  const fixture = await sqliteFixture();
  let lock: DatabaseSync | undefined;
  return {
    url: `sqlite:${fixture.file}`,
    open: () => fixture.open(),
    advance: (ms) => fixture.advance(ms),
    names: async () =>
      fixture
        .connect()
        .prepare("SELECT name FROM record")
        .all()
        .map(({ name }) => String(name)),
    contents: () => bytesUnder(dirname(fixture.file)),
    async forget() {
      fixture.connect().exec("DELETE FROM record");
    },
    fail() {
      lock = fixture.connect();
      lock.exec("BEGIN IMMEDIATE"); // another program that holds the file
    },
    recover() {
      lock?.exec("ROLLBACK");
    },
    destroy: () => fixture.destroy(),
  };
}

async function redisTestStore(): Promise<TestStore> {
  // Compressed, a text cannot be searched for.
  const fixture = await redisFixture({ extra: ["--rdbcompression", "no"] });
  const { server, client } = fixture;
  const names = () => client.keys("*");
  const valueOf = async (name: string): Promise<Buffer> => {
    const type = await client.type(name);
    if (type === "zset") return Buffer.from(String(await client.zrange(name, "0", "-1")));
    if (type === "hash") return Buffer.from(String(Object.entries(await client.hgetall(name))));
    return (await client.getBuffer(name)) ?? Buffer.alloc(0);
  };
  return {
    url: server.url,
    open: () => fixture.open(),
    advance: (ms) => fixture.advance(ms),
    names: async () => (await client.keys("og:{?}:??????????????????????.*")).map((key) => key.slice("og:{?}:".length)),
    async contents() {
      await client.save(); // besides the append-only file, of which a rewrite makes a snapshot too
      const inMemory = await Promise.all((await names()).map(async (name) => [Buffer.from(name), await valueOf(name)]));
      return Buffer.concat([...inMemory.flat(), await bytesUnder(server.dir)]);
    },
    async forget() {
      const records = (await names()).filter((name) => /^og:\{.\}:([^:]{45}|open)$/.test(name));
      if (records.length > 0) await client.del(records);
    },
    fail: () => server.stop(),
    recover: () => server.continue(),
    destroy: () => fixture.destroy(),
  };
}

async function bytesUnder(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return Buffer.concat(await Promise.all(files.map((file) => readFile(file))));
}
