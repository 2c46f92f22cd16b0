import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { Redis } from "ioredis";
import { freePort, startRedis, startTogether } from "./redis-server.ts";
import type { RedisServer, RedisServerOptions } from "./redis-server.ts";
import { AT_ONCE, replicasOf } from "./redis-sentinels.ts";
import { until } from "./until.ts";

/**
 * A network that can be split in two. Every process sits on one side: it connects from its side's address (Linux takes all of
 * 127.0.0.0/8 for its own) and is reached through a proxy, which lets nothing through from the other side while it is split.
 */
export type SplitSentinels = {
  /** For the ONCEGATE_STORE of a gateway on the minority's side: the one Sentinel there. */
  url: string;
  /** On the minority's side, with one of three Sentinels. */
  master: RedisServer;
  /** On the majority's side. */
  replica: RedisServer;
  split(): void;
  /** Everybody reaches everybody again; what was on its way is lost. */
  heal(): void;
  close(): Promise<void>;
};

/** Where this process and a gateway connect from. */
const MINORITY = "127.0.0.1";
const MAJORITY = "127.0.0.2";
type Side = typeof MINORITY | typeof MAJORITY;

const MASTER = "orders";
const DOWN_AFTER_MS = 1_500;

type Line = { port: number; split(): void; heal(): void; close(): Promise<void> };

/** What connects to a process on this side. */
async function lineTo(target: number, side: Side): Promise<Line> {
  let isSplit = false;
  const sockets = new Set<Socket>();
  const listener = createServer((near) => {
    const isForeign = near.remoteAddress !== side;
    const far = connect(target, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes: Buffer) => void (isForeign && isSplit ? undefined : to.write(bytes)));
      from.on("error", () => {});
      from.once("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP port");
  const reset = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    split: () => void (isSplit = true),
    heal() {
      isSplit = false;
      reset();
    },
    async close() {
      listener.close();
      reset();
      await once(listener, "close");
    },
  };
}

/** One command, past every line; its answer's pairs. */
async function ask(port: number, name: string, ...args: string[]): Promise<Record<string, string>> {
  const client = new Redis({ port, host: "127.0.0.1" });
  const reply = (await client.call(name, ...args).finally(() => client.disconnect())) as string[];
  return Object.fromEntries(reply.flatMap((field, i) => (i % 2 === 0 ? [[field, reply[i + 1] ?? ""]] : [])));
}

export async function startSplitSentinels(): Promise<SplitSentinels> {
  const lines: Line[] = [];
  const start = async (side: Side, options: (line: Line) => RedisServerOptions): Promise<RedisServer> => {
    const port = await freePort();
    const line = await lineTo(port, side);
    lines.push(line);
    const { extra = [], ...rest } = options(line);
    return startRedis({ port, ...rest, extra: ["--bind-source-addr", side, ...extra] });
  };
  const node = (side: Side, ...extra: string[]): Promise<RedisServer> =>
    start(side, ({ port }) => ({ extra: [...AT_ONCE, "--replica-announce-port", `${port}`, ...extra] }));
  const sentinel = (side: Side): Promise<RedisServer> =>
    start(side, ({ port }) => ({
      sentinel: [
        `sentinel monitor ${MASTER} 127.0.0.1 ${lines[0]!.port} 2`,
        `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${MASTER} 6000`,
        "sentinel announce-ip 127.0.0.1",
        `sentinel announce-port ${port}`,
      ],
    }));

  const master = await node(MINORITY);
  const servers = await startTogether([
    Promise.resolve(master),
    node(MAJORITY, "--replicaof", "127.0.0.1", `${lines[0]!.port}`),
  ]);
  const replica = servers[1]!;
  const near = await sentinel(MINORITY);
  const url = `redis+sentinel://127.0.0.1:${lines.at(-1)!.port}/${MASTER}`;
  servers.push(near, await sentinel(MAJORITY), await sentinel(MAJORITY));
  await until("a replica in step", async () => (await replicasOf(master)) === 1);
  for (const { port } of servers.slice(2))
    await until("a Sentinel that knows everybody", async () => {
      const view = await ask(port, "SENTINEL", "MASTER", MASTER);
      return view["num-slaves"] === "1" && view["num-other-sentinels"] === "2";
    });
  return {
    url,
    master,
    replica,
    split() {
      for (const line of lines) line.split();
    },
    heal() {
      for (const line of lines) line.heal();
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      await Promise.all(lines.map((line) => line.close()));
    },
  };
}
