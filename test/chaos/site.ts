import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { faultProxy } from "../support/fault-proxy.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { freePort } from "../support/redis-server.ts";
import { movableClock } from "./clock.ts";
import type { MovableClock } from "./clock.ts";
import type { Door } from "./client.ts";
import type { History } from "./history.ts";
import { Host } from "./host.ts";
import * as limits from "./limits.ts";
import { compileShim } from "./shim.ts";
import { RedisUnderTest, SqliteUnderTest } from "./store.ts";
import type { StoreName, StoreUnderTest } from "./store.ts";
import { Upstream } from "./upstream/process.ts";

/** The lines of one gateway, each of them through a proxy that can fail. */
type Wires = { client: FaultProxy; upstream: FaultProxy; redis?: FaultProxy };

/** One gateway of the site and what is around it. */
export type Post = { host: Host; wires: Wires; clock?: MovableClock };

/** Everything of a run: gateways, their lines, the store and the upstream. */
export type Site = {
  store: StoreUnderTest;
  storeClock?: MovableClock;
  upstream: Upstream;
  posts: Post[];
  doors: Door[];
  /** Ends every fault that is not over: nothing is stopped, down or cut any more. */
  close(): Promise<void>;
};

export type SiteSettings = {
  storeName: StoreName;
  gateways: number;
  folder: string;
  tree: string;
  history: History;
};

/** Resolves when every gateway is ready. */
export async function openSite({ storeName, gateways, folder, tree, history }: SiteSettings): Promise<Site> {
  const shim = compileShim("clockskew", folder);
  if (shim === undefined) console.log("no C compiler (cc), or not Linux: clocks stay as they are, and no disk is full");
  const clockFor = (name: string) =>
    shim === undefined ? undefined : movableClock(shim, join(folder, `${name}.clock`));
  const storeClock = storeName === "redis" ? clockFor("store") : undefined;
  const store = storeName === "redis" ? await RedisUnderTest.start(storeClock?.env ?? {}) : new SqliteUnderTest(folder);
  const upstream = await Upstream.start(join(folder, "ledger.ndjson"));

  const posts: Post[] = [];
  const doors: Door[] = [];
  for (let i = 0; i < gateways; i++) {
    const name = `gateway-${i}`;
    const [port, adminPort] = [await freePort(), await freePort()];
    const wires: Wires = { client: await faultProxy(port), upstream: await faultProxy(upstream.port) };
    if (store.name === "redis") wires.redis = await faultProxy(store.server.port);
    const clock = clockFor(name);
    const disk = store.name === "sqlite" ? store.disk : undefined;
    const preloaded = [clock, disk].flatMap((part) => (part === undefined ? [] : [part.env["LD_PRELOAD"]]));
    const ownFolder = join(folder, name);
    mkdirSync(ownFolder);
    const env = {
      ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${wires.upstream.port}/${name}`,
      ONCEGATE_STORE: store.name === "redis" ? `redis://127.0.0.1:${wires.redis!.port}` : `sqlite:${store.file}`,
      ONCEGATE_LEASE: `${limits.LEASE_MS}ms`,
      ONCEGATE_CONNECT_TIMEOUT: `${limits.CONNECT_TIMEOUT_MS}ms`,
      ONCEGATE_CLIENT_WAIT: `${limits.CLIENT_WAIT_MS}ms`,
      ONCEGATE_UPSTREAM_TIMEOUT: `${limits.UPSTREAM_TIMEOUT_MS}ms`,
      ONCEGATE_SHUTDOWN_GRACE: `${limits.SHUTDOWN_GRACE_MS}ms`,
      ONCEGATE_MAX_STORED_RESPONSE: `${limits.KEPT_BYTES / 1_024}kb`,
      ...clock?.env,
      ...disk?.env,
      ...(preloaded.length === 0 ? {} : { LD_PRELOAD: preloaded.join(":") }),
    };
    const host = new Host({ name, port, adminPort, folder: ownFolder, tree, env, history });
    posts.push({ host, wires, ...(clock === undefined ? {} : { clock }) });
    doors.push({ name, port: wires.client.port });
    host.start();
  }
  await Promise.all(posts.map(({ host }) => host.ready()));

  return {
    store,
    ...(storeClock === undefined ? {} : { storeClock }),
    upstream,
    posts,
    doors,
    async close() {
      await Promise.all(posts.map(({ host }) => host.close()));
      const wires = posts.flatMap((post) => Object.values(post.wires));
      await Promise.all(wires.map((wire) => wire.close()));
      await Promise.all([upstream.kill(), store.close()]);
    },
  };
}
