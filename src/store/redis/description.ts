import type { StoreDescription } from "../records.ts";
import type { Connection } from "./connection.ts";
import { fieldsOf } from "./greeting.ts";

type Description = { durability: string; risks: readonly string[] };

const LOSES = "after a crash, retries of what it lost make second invoices: set appendonly yes, appendfsync always";

/** Redis writes later while its disk is busy, up to two seconds: not even kill -9 is survived then (measured with 7.0). */
const FORGETS =
  "a crash of Redis loses up to the last two seconds, and retries of what it lost make second invoices: set appendfsync always";

/** What survives a crash, of all masters together, and what an operator should know. Throws StoreError while one is out of reach. */
export async function describe(masters: readonly Connection[]): Promise<Omit<StoreDescription, "store">> {
  const each = await Promise.all(masters.map(describeOne));
  return {
    durability: [...new Set(each.map(({ durability }) => durability))].join("; or "),
    risks: [...new Set(each.flatMap(({ risks }) => risks))],
  };
}

async function describeOne(master: Connection): Promise<Description> {
  const said = fieldsOf(String(await master.command("INFO", [])));
  const persistence = await persistenceOf(master, said("aof_enabled") === "1");
  const risks = [...persistence.risks];
  if ((said("maxmemory_policy") ?? "noeviction") !== "noeviction")
    risks.push("this Redis evicts records when it is full: retries of what it drops make second invoices");
  return { durability: persistence.durability, risks };
}

async function persistenceOf(master: Connection, hasAof: boolean): Promise<Description> {
  const setting = async (name: string): Promise<string | undefined> => {
    // Hosted servers often forbid CONFIG; then only what INFO says is known.
    const reply = await master.command("CONFIG", ["GET", name]).catch(() => undefined);
    return Array.isArray(reply) && reply.length === 2 ? String(reply[1]) : undefined;
  };
  if (hasAof) {
    const sync = await setting("appendfsync");
    if (sync === undefined) return { durability: "AOF", risks: [] };
    return { durability: `AOF, appendfsync ${sync}`, risks: sync === "always" ? [] : [FORGETS] };
  }
  switch (await setting("save")) {
    case undefined:
      return {
        durability: "no AOF: a crash of the server loses records, at least those since its last snapshot",
        risks: [LOSES],
      };
    case "":
      return { durability: "none: records die with the server", risks: [LOSES] };
    default:
      return {
        durability: "RDB snapshots only: a crash of the server loses the records since the last one",
        risks: [LOSES],
      };
  }
}
