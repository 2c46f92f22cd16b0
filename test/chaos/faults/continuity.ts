import { readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { StoreName } from "../store.ts";
import type { Fault } from "./fault.ts";
import { onRedis } from "./store.ts";

/**
 * A store that loses writes it acknowledged. Until gateways notice that (DESIGN, section 10, Continuity), each of these may
 * rightly lead to a second execution: they are left out unless they are asked for by name (--faults).
 */
export const continuityFaults = (store: StoreName): Fault[] => (store === "redis" ? REDIS : []);

const appendOnly = (dir: string): string => join(dir, "appendonlydir");

const REDIS: Fault[] = [
  onRedis("redis-emptied", async ({ server }) => {
    await server.kill9();
    await rm(appendOnly(server.dir), { recursive: true });
    await server.start();
  }),
  onRedis("redis-truncated", async ({ server }, dice) => {
    await server.kill9();
    const folder = appendOnly(server.dir);
    const tail = (await readdir(folder)).find((name) => name.endsWith(".incr.aof"));
    if (tail === undefined) throw new Error(`no append-only file in ${folder}`);
    const file = join(folder, tail);
    const { size } = await stat(file);
    await truncate(file, Math.max(0, size - dice.whole(1, 20_000)));
    await server.start();
  }),
];
