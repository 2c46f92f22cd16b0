import type { StoreDescription } from "../records.ts";
import { fieldsOf, replicasInStep } from "./greeting.ts";
import type { Master } from "./master.ts";

type Description = Omit<StoreDescription, "store">;

const SECOND_INVOICES = "retries of what it lost make second invoices";
const WITHOUT_AOF = `after a crash of Redis ${SECOND_INVOICES}: set appendonly yes and appendfsync always`;
/** It writes later while its disk is busy, up to two seconds: not even kill -9 is survived then (measured with 7.0). */
const WITHOUT_FSYNC = `a crash of Redis loses up to the last two seconds, and ${SECOND_INVOICES}: set appendfsync always, or ONCEGATE_REDIS_WAIT_REPLICAS`;
const WITHOUT_WAIT = `a failover loses what the replicas did not have yet, and ${SECOND_INVOICES}: set ONCEGATE_REDIS_WAIT_REPLICAS to 1 or more`;
const WITHOUT_SOME = `a failover while the old master still runs (SENTINEL FAILOVER, a network split) may promote a replica that was not waited for, and ${SECOND_INVOICES}: wait for all with ONCEGATE_REDIS_WAIT_REPLICAS, or see docs/redis.md`;
const EVICTS =
  "this Redis evicts records when it is full, and retries of what it drops make second invoices: set noeviction";
const OLD =
  "this version of Redis gets no fixes from its makers any more: use 7.4, 8 or later, Valkey, or one that your distribution maintains";

/**
 * What survives a crash, of all masters together, and what an operator should know. `waitReplicas`: as many must have a write
 * before it counts. Throws StoreError while a master is out of reach.
 */
export async function describe(masters: readonly Master[], waitReplicas: number): Promise<Description> {
  const each = await Promise.all(masters.map((master) => describeOne(master, waitReplicas)));
  return {
    durability: [...new Set(each.map(({ durability }) => durability))].join("; or "),
    risks: [...new Set(each.flatMap(({ risks }) => risks))],
  };
}

async function describeOne(master: Master, waitReplicas: number): Promise<Description> {
  const info = String(await master.ask("INFO"));
  const said = fieldsOf(info);
  const replicas = replicasInStep(info);
  const { durability, risk } = await persistenceOf(master, said("aof_enabled") === "1", waitReplicas > 0);
  const risks = [
    risk,
    replicas > waitReplicas ? (waitReplicas === 0 ? WITHOUT_WAIT : WITHOUT_SOME) : undefined,
    (said("maxmemory_policy") ?? "noeviction") === "noeviction" ? undefined : EVICTS,
    // Of an older major version its makers maintain the last minor one; Valkey says 7.2 for itself.
    /^7\.[0-3]\b/.test(said("redis_version") ?? "") && said("valkey_version") === undefined ? OLD : undefined,
  ];
  return {
    durability: waitReplicas > 0 ? `${durability}; ${waitReplicas} of ${replicas} replicas must have it` : durability,
    risks: risks.filter((one) => one !== undefined),
  };
}

async function persistenceOf(
  master: Master,
  hasAof: boolean,
  isReplicated: boolean,
): Promise<{ durability: string; risk: string | undefined }> {
  const setting = async (name: string): Promise<string | undefined> => {
    // Hosted servers often forbid CONFIG; then only what INFO says is known.
    const reply = await master.ask("CONFIG", ["GET", name]).catch(() => undefined);
    return Array.isArray(reply) && reply.length === 2 ? String(reply[1]) : undefined;
  };
  if (hasAof) {
    const sync = await setting("appendfsync");
    if (sync === undefined) return { durability: "AOF", risk: undefined };
    return {
      durability: `AOF, appendfsync ${sync}`,
      risk: sync === "always" || isReplicated ? undefined : WITHOUT_FSYNC,
    };
  }
  const said = {
    unknown: "no AOF: a crash of the server loses records, at least those since its last snapshot",
    none: "none: records die with the server",
    snapshots: "RDB snapshots only: a crash of the server loses the records since the last one",
  };
  const save = await setting("save");
  const kind = save === undefined ? "unknown" : save === "" ? "none" : "snapshots";
  return { durability: said[kind], risk: WITHOUT_AOF };
}
