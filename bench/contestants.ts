import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startRedis } from "../test/support/redis-server.ts";
import type { RedisServer } from "../test/support/redis-server.ts";
import { startProgram } from "./program.ts";
import type { Program } from "./program.ts";

export type Contestant = {
  name: string;
  program: Program;
  headers: Record<string, string>;
  /** Whether each request must reach the upstream, or none. */
  executes: boolean;
};

const EACH_ITS_OWN = { "x-idempotency-key": "[<id>]" };
const ALL_THE_SAME = { "x-idempotency-key": "the-one-key" };
/** As long as a key, so that only its meaning differs. */
const NO_KEY = { "x-correlation-id1": "[<id>]" };

export type Field = { contestants: Contestant[]; redis: RedisServer | undefined };

/** Each in a process of its own, the gateways with their defaults: logs, metrics and durable stores. */
export async function startField(upstream: string, folder: string): Promise<Field> {
  const gateway = (store: string): Promise<Program> =>
    startProgram(
      "../src/main.ts",
      {
        ONCEGATE_UPSTREAM_URL: upstream,
        ONCEGATE_STORE: store,
        ONCEGATE_LISTEN: "127.0.0.1:0",
        ONCEGATE_ADMIN_LISTEN: "127.0.0.1:0",
      },
      folder,
    );
  const sqlite = (name: string): string => `sqlite:${join(folder, name)}`;
  const bare = await startProgram("./bare-proxy.ts", { UPSTREAM: upstream }, folder);
  const contestants: Contestant[] = [
    { name: "bare http-proxy-middleware", program: bare, headers: EACH_ITS_OWN, executes: true },
    { name: "pass-through", program: await gateway(sqlite("0.db")), headers: NO_KEY, executes: true },
    { name: "first use, sqlite", program: await gateway(sqlite("1.db")), headers: EACH_ITS_OWN, executes: true },
    { name: "replay, sqlite", program: await gateway(sqlite("2.db")), headers: ALL_THE_SAME, executes: false },
  ];
  const dir = join(folder, "redis");
  mkdirSync(dir);
  const redis = await startRedis({ dir }).catch((error: unknown) => {
    console.log(`Without the rows for Redis: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  });
  if (redis !== undefined)
    contestants.push(
      { name: "first use, redis", program: await gateway(redis.url), headers: EACH_ITS_OWN, executes: true },
      { name: "replay, redis", program: await gateway(redis.url), headers: ALL_THE_SAME, executes: false },
    );
  return { contestants, redis };
}
