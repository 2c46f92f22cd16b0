import type { Store, StoreDescription } from "../records.ts";
import { serverOf } from "./connect.ts";
import type { Access } from "./connect.ts";
import { Connection } from "./connection.ts";
import { RedisRecords } from "./redis-records.ts";
import { PROBE, REPLACE_NAME_SECRET } from "./scripts.ts";

const NAME_SECRET = "og:name-secret";

export type RedisSettings = Access & {
  /** Use a server that removes records when it is full. */
  mayEvict?: boolean;
};

/** Throws on a URL that cannot be used; a server out of reach is the business of the verbs (Store). */
export function openRedis(url: string, { mayEvict = false, ...access }: RedisSettings = {}): Store {
  const server = serverOf(url, access);
  const connection = new Connection(server, mayEvict);
  return {
    records: new RedisRecords(connection),
    async probe() {
      await connection.run(PROBE, [], []);
    },
    async nameSecret(candidate) {
      // Read first: a gateway can start on a full Redis, which takes no SET.
      const known = await connection.command("GET", NAME_SECRET);
      if (Buffer.isBuffer(known)) return known;
      await connection.command("SET", NAME_SECRET, candidate, "NX");
      const first = await connection.command("GET", NAME_SECRET);
      if (!Buffer.isBuffer(first)) throw new Error("Redis lost the secret of names as soon as it was written");
      return first;
    },
    async replaceNameSecret(known, next) {
      await connection.run(REPLACE_NAME_SECRET, [NAME_SECRET], [known, next]);
    },
    async describe() {
      return { store: server.url, ...(await durabilityOf(connection, mayEvict)) };
    },
    close: () => connection.close(),
  };
}

const LOSES = "after a crash, retries of what it lost make second invoices: set appendonly yes, appendfsync always";

async function durabilityOf(connection: Connection, mayEvict: boolean): Promise<Omit<StoreDescription, "store">> {
  const info = String(await connection.command("INFO"));
  const setting = async (name: string) => {
    // Hosted servers often forbid CONFIG; then only what INFO says is known.
    const reply = await connection.command("CONFIG", "GET", name).catch(() => undefined);
    return Array.isArray(reply) && reply.length === 2 ? String(reply[1]) : undefined;
  };
  const evicts = mayEvict && !/^maxmemory_policy:noeviction/m.test(info);
  const risk = evicts
    ? { risk: "this Redis evicts records when it is full: retries of what it drops make second invoices" }
    : {};
  if (/^aof_enabled:1/m.test(info)) {
    const sync = await setting("appendfsync");
    return { durability: sync === undefined ? "AOF" : `AOF, appendfsync ${sync}`, ...risk };
  }
  switch (await setting("save")) {
    case undefined:
      return {
        durability: "no AOF: a crash of the server loses records, at least those since its last snapshot",
        risk: LOSES,
      };
    case "":
      return { durability: "none: records die with the server", risk: LOSES };
    default:
      return {
        durability: "RDB snapshots only: a crash of the server loses the records since the last one",
        risk: LOSES,
      };
  }
}
