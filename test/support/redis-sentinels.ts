import { Redis } from "ioredis";
import { startRedis, startTogether } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

/** A master, its replicas, and the Sentinels that watch them; all real, all on 127.0.0.1. */
export type Sentinels = {
  /** For ONCEGATE_STORE. */
  url: string;
  /** Whoever is master or replica now. */
  nodes: RedisServer[];
  sentinels: RedisServer[];
  /** As most Sentinels see it. */
  master(): Promise<RedisServer>;
  /** As an operator who moves the master to another machine. Resolves when the Sentinels name the new one. */
  failover(): Promise<void>;
  /** Resolves when the master has so many replicas that are in step. */
  untilReplicated(replicas?: number): Promise<void>;
  close(): Promise<void>;
};

export type SentinelsOptions = {
  replicas?: number;
  /** How long a master is silent before Sentinels replace it. */
  downAfterMs?: number;
  /** Of every server, and of the Sentinels too where they ask for one. */
  password?: string;
  doSentinelsAsk?: boolean;
};

const MASTER = "orders";
const SENTINELS = 3;

export async function startSentinels(options: SentinelsOptions = {}): Promise<Sentinels> {
  const { replicas = 2, downAfterMs = 20_000, password, doSentinelsAsk = false } = options;
  const auth = password === undefined ? {} : { password };
  const nodeOf = async (extra: string[]): Promise<RedisServer> => {
    const masterAuth = password === undefined ? [] : ["--masterauth", password];
    return startRedis({ ...auth, extra: [...AT_ONCE, ...masterAuth, ...extra] });
  };
  const first = await nodeOf([]);
  const others = Array.from({ length: replicas }, () => nodeOf(["--replicaof", "127.0.0.1", `${first.port}`]));
  const nodes = await startTogether([Promise.resolve(first), ...others]);
  const config = [
    `sentinel monitor ${MASTER} 127.0.0.1 ${first.port} 2`,
    `sentinel down-after-milliseconds ${MASTER} ${downAfterMs}`,
    `sentinel failover-timeout ${MASTER} 6000`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${MASTER} ${password}`]),
    ...(doSentinelsAsk ? [`sentinel sentinel-pass ${password}`] : []),
  ];
  const ownAuth = doSentinelsAsk ? auth : {};
  const started = await startTogether([
    ...nodes.map((node) => Promise.resolve(node)),
    ...Array.from({ length: SENTINELS }, () => startRedis({ ...ownAuth, sentinel: config })),
  ]);
  const sentinels = started.slice(nodes.length);
  const userinfo = password === undefined ? "" : `:${encodeURIComponent(password)}@`;

  const asked = sentinels.map(
    ({ port }) => new Redis({ port, host: "127.0.0.1", ...ownAuth, retryStrategy: () => 50 }),
  );
  for (const client of asked) client.on("error", () => {});
  const views = async (): Promise<Record<string, string>[]> =>
    Promise.all(asked.map(async (client) => pairs(await client.call("SENTINEL", "MASTER", MASTER))));
  const master = async (): Promise<RedisServer> => {
    const ports = (await views()).map(({ port }) => Number(port));
    const common = ports.find((port) => ports.filter((other) => other === port).length > SENTINELS / 2);
    return nodes.find(({ port }) => port === common)!;
  };
  const installation: Sentinels = {
    url: `redis+sentinel://${userinfo}${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER}`,
    nodes,
    sentinels,
    master,
    async failover() {
      const before = await master();
      await asked[0]!.call("SENTINEL", "FAILOVER", MASTER);
      await until("another master", async () => (await master()) !== before);
    },
    async untilReplicated(wanted = replicas) {
      await until("replicas in step", async () => (await replicasOf(await master(), password)) >= wanted);
    },
    async close() {
      for (const client of asked) client.disconnect();
      await Promise.all([...sentinels, ...nodes].map((server) => server.close()));
    },
  };
  try {
    await installation.untilReplicated();
    await until("Sentinels that know everybody", async () =>
      (await views()).every(
        (view) => Number(view["num-slaves"]) === replicas && Number(view["num-other-sentinels"]) === SENTINELS - 1,
      ),
    );
    return installation;
  } catch (error) {
    await installation.close();
    throw error;
  }
}

/** Replicas that start in step rather than after the usual five seconds, and notice at once when they are not. */
export const AT_ONCE = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];

/** How many replicas are in step with a server; none while it does not answer. */
export async function replicasOf({ port }: RedisServer, password?: string): Promise<number> {
  const client = new Redis({ port, host: "127.0.0.1", ...(password ? { password } : {}), retryStrategy: () => null });
  client.on("error", () => {});
  try {
    const info = await client.info("replication");
    return /^role:master/m.test(info) ? [...info.matchAll(/^slave\d+:.*state=online/gm)].length : 0;
  } catch {
    return 0;
  } finally {
    client.disconnect();
  }
}

function pairs(reply: unknown): Record<string, string> {
  const list = Array.isArray(reply) ? reply.map(String) : [];
  return Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] ?? ""]] : [])));
}
