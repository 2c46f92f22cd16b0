import { join } from "node:path";
import { startRedis } from "../test/support/redis-server.ts";
import { startNginx } from "./nginx.ts";
import { startOwn } from "./program.ts";
import type { Program } from "./program.ts";
import { FIRST_USE, LARGE, MEDIUM, READ, REPLAY, SOME_AGAIN } from "./workloads.ts";
import type { Workload } from "./workloads.ts";

/** A program with one workload. */
export type Contestant = {
  name: string;
  program: Program;
  workload: Workload;
  /** Every request reaches the upstream, whatever its key. */
  ignoresKeys: boolean;
};

export type Field = { contestants: Contestant[]; upstream: Program; close(): Promise<void> };

/** Each in a process of its own, the gateways with their defaults: logs, metrics and durable stores. */
export async function startField(folder: string): Promise<Field> {
  const upstream = await startOwn("./upstream.ts", {}, folder);
  const everySecond = ["--appendfsync", "everysec"];
  const [redis, encrypted, lazy] = await Promise.all([startRedis(), startRedis(), startRedis({ extra: everySecond })]);
  const gateway = (store: string, more?: Record<string, string>): Promise<Program> =>
    startGateway(upstream, store, folder, more);
  const bare = await startOwn("./bare-proxy.ts", { UPSTREAM: upstream.url }, folder);
  const nginx = await startNginx(upstream.url, folder);
  const peer = await startOwn("./peer.ts", { UPSTREAM: upstream.url, REDIS: redis.url }, folder);
  const floor = (part: string): Promise<Program> =>
    startOwn("./floor.ts", { UPSTREAM: upstream.url, REDIS: redis.url, PART: part }, folder);
  const [nothing, replaying, using] = [await floor("nothing"), await floor("a replay"), await floor("a first use")];
  const onRedis = await gateway(redis.url);
  const onLazy = await gateway(lazy.url);
  const onSqlite = await gateway(`sqlite:${join(folder, "gateway.db")}`);
  const withAll = await gateway(encrypted.url, ENCRYPTED);
  const without = await gateway(redis.url, { ONCEGATE_KEY_HEADERS: "x-nobody-sends-this" });

  const contestants = [
    {
      program: bare,
      name: "bare http-proxy-middleware",
      ignoresKeys: true,
      workloads: [FIRST_USE, READ, MEDIUM, LARGE],
    },
    {
      program: without,
      name: "Oncegate, pass-through",
      ignoresKeys: true,
      workloads: [FIRST_USE, READ, MEDIUM, LARGE],
    },
    { program: onRedis, name: "Oncegate, redis", workloads: [FIRST_USE, REPLAY, SOME_AGAIN, MEDIUM, LARGE] },
    { program: onLazy, name: "Oncegate, redis, appendfsync everysec", workloads: [FIRST_USE, REPLAY] },
    { program: onSqlite, name: "Oncegate, sqlite", workloads: [FIRST_USE, REPLAY, SOME_AGAIN, MEDIUM, LARGE] },
    { program: withAll, name: "Oncegate, redis, encrypted", workloads: [FIRST_USE, REPLAY] },
    ...(nginx === undefined ? [] : [{ program: nginx, name: "nginx proxy_cache", workloads: [FIRST_USE, REPLAY] }]),
    { program: peer, name: "@node-idempotency/core, redis", workloads: [FIRST_USE, REPLAY] },
    // Of which only the last calls the upstream.
    { program: nothing, name: "floor: node:http alone", workloads: [REPLAY] },
    { program: replaying, name: "floor: and one script of Redis", workloads: [REPLAY] },
    { program: using, name: "floor: and undici, and two scripts", ignoresKeys: true, workloads: [FIRST_USE] },
  ];
  return {
    contestants: contestants.flatMap(({ workloads, ...one }) =>
      workloads.map((workload) => ({ ignoresKeys: false, ...one, workload })),
    ),
    upstream,
    async close() {
      await Promise.all([redis.close(), encrypted.close(), lazy.close()]);
    },
  };
}

/** With its defaults, but for what is given. */
export function startGateway(
  upstream: Pick<Program, "url">,
  store: string,
  folder: string,
  more?: Record<string, string>,
): Promise<Program> {
  const [any, own] = ["127.0.0.1:0", { ONCEGATE_UPSTREAM_URL: upstream.url, ONCEGATE_STORE: store }];
  return startOwn("../src/main.ts", { ...own, ONCEGATE_LISTEN: any, ONCEGATE_ADMIN_LISTEN: any, ...more }, folder);
}

/** Any key: what is encrypted costs the same. */
export const ENCRYPTED = { ONCEGATE_ENCRYPTION_KEYS: `${"A".repeat(43)}=` };
