import { Redis } from "ioredis";
import { AT_ONCE, replicasOf } from "./redis-sentinels.ts";
import { startRedis, startTogether } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

/** A real cluster on 127.0.0.1: masters with one replica each, or none. */
export type RedisCluster = {
  /** For ONCEGATE_STORE. */
  url: string;
  masters: RedisServer[];
  replicas: RedisServer[];
  /** Another program's connection to a node. */
  client(node: RedisServer): Redis;
  /**
   * Moves slots and what they hold from one master to another, as `redis-cli --cluster reshard` does. `meanwhile`: when the move
   * has begun, when half of the keys are there and half still here, and when all are there but not the slots.
   */
  move(slots: readonly number[], from: RedisServer, to: RedisServer, meanwhile?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
};

export type ClusterOptions = { masters?: number; withReplicas?: boolean; nodeTimeoutMs?: number };

const SLOTS = 16_384;

export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters: size = 3, withReplicas = true, nodeTimeoutMs = 15_000 } = options;
  const extra = [...AT_ONCE, "--cluster-node-timeout", `${nodeTimeoutMs}`, "--cluster-allow-replica-migration", "no"];
  const known = withReplicas ? 2 * size : size;
  const nodes = await startTogether(Array.from({ length: known }, () => startRedis({ isClusterNode: true, extra })));
  const [masters, replicas] = [nodes.slice(0, size), nodes.slice(size)];
  const clients = new Map(nodes.map((node) => [node, connectTo(node)]));
  const client = (node: RedisServer): Redis => clients.get(node)!;
  const idOf = async (node: RedisServer): Promise<string> => client(node).cluster("MYID");
  const close = async (): Promise<void> => {
    for (const one of clients.values()) one.disconnect();
    await Promise.all(nodes.map((node) => node.close()));
  };
  try {
    await form();
  } catch (error) {
    await close();
    throw error;
  }

  async function form(): Promise<void> {
    await Promise.all(nodes.map((node, i) => client(node).call("CLUSTER", "SET-CONFIG-EPOCH", i + 1)));
    for (const [i, node] of masters.entries()) {
      const [from, to] = [Math.floor((i * SLOTS) / size), Math.floor(((i + 1) * SLOTS) / size) - 1];
      await client(node).call("CLUSTER", "ADDSLOTSRANGE", from, to);
    }
    const bus = Number((await client(nodes[0]!).config("GET", "cluster-port"))[1]);
    for (const node of nodes.slice(1)) await client(node).call("CLUSTER", "MEET", "127.0.0.1", nodes[0]!.port, bus);
    await until("a cluster whose nodes all know each other", () => agree());
    for (const [i, replica] of replicas.entries())
      await client(replica).call("CLUSTER", "REPLICATE", await idOf(masters[i]!));
    for (const master of withReplicas ? masters : [])
      await until("a replica in step", async () => (await replicasOf(master)) === 1);
    await until("a cluster that is well", () => agree());
  }

  async function agree(): Promise<boolean> {
    const infos = await Promise.all(nodes.map((node) => client(node).cluster("INFO")));
    return infos.every((info) => info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${known}\r`));
  }

  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    masters,
    replicas,
    client,
    async move(slots, from, to, meanwhile = async () => {}) {
      const [source, target] = [client(from), client(to)];
      const [sourceId, targetId] = [await idOf(from), await idOf(to)];
      for (const slot of slots) {
        await target.cluster("SETSLOT", slot, "IMPORTING", sourceId);
        await source.cluster("SETSLOT", slot, "MIGRATING", targetId);
      }
      await meanwhile();
      const moveKeys = async (slot: number, count: number): Promise<void> => {
        const keys = await source.cluster("GETKEYSINSLOT", slot, count);
        if (keys.length === 0) return;
        await source.call("MIGRATE", "127.0.0.1", to.port, "", 0, 5_000, "KEYS", ...keys.map(String));
      };
      const left = (slot: number): Promise<number> => source.cluster("COUNTKEYSINSLOT", slot);
      for (const slot of slots) await moveKeys(slot, Math.ceil((await left(slot)) / 2));
      await meanwhile();
      for (const slot of slots) while ((await left(slot)) > 0) await moveKeys(slot, 10);
      await meanwhile();
      for (const slot of slots) {
        while ((await left(slot)) > 0) await moveKeys(slot, 10); // what was written since
        for (const node of [target, source, ...masters.map(client)])
          await node.cluster("SETSLOT", slot, "NODE", targetId);
      }
    },
    close,
  };
}

function connectTo({ port }: RedisServer): Redis {
  const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 50 });
  client.on("error", () => {});
  return client;
}
