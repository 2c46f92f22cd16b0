import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startRedis } from "../test/support/redis-server.ts";
import { startGateway } from "./contestants.ts";
import { endPrograms, sendLoad, startOwn } from "./program.ts";
import { alignedTable, median } from "./table.ts";
import { SOME_AGAIN } from "./workloads.ts";

/**
 * npm run bench:soak -- [--minutes 10] [--rate 300] [--connections 32]
 *
 * Memory of a gateway at a constant load of operations, one in a hundred sent again, minute by minute. It is flat where the medians of
 * the last third are those of the third before.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "300" },
    connections: { type: "string", default: "32" },
  },
});
const [minutes, rate, connections] = [values.minutes, values.rate, values.connections].map(Number) as [
  number,
  number,
  number,
];

const folder = mkdtempSync(join(tmpdir(), "oncegate-soak-"));
process.once("exit", () => {
  endPrograms();
  rmSync(folder, { recursive: true, force: true });
});
const redis = await startRedis();
const upstream = await startOwn("./upstream.ts", {}, folder);
const gateway = await startGateway(upstream, redis.url, folder);

const samples: number[] = [];
const cells: string[][] = [];
let answered = 0;
for (let minute = 1; minute <= minutes; minute++) {
  const ofMinute: number[] = [];
  const watch = setInterval(() => ofMinute.push(gateway.rssMiB()), 500);
  const load = await sendLoad({ url: gateway.url, connections, seconds: 60, workload: SOME_AGAIN, rate });
  clearInterval(watch);
  answered += load.answered;
  if (load.errors > 0) throw new Error(`${load.errors} errors in minute ${minute}`);
  samples.push(median(ofMinute));
  const line = [
    minute,
    median(ofMinute).toFixed(1),
    Math.max(...ofMinute).toFixed(1),
    (load.answered / load.seconds).toFixed(0),
    load.p99.toFixed(1),
  ];
  cells.push(line.map(String));
  console.error(line.join("  "));
}
console.log(alignedTable(["minute", "RSS MiB", "most", "req/s", "p99 ms"], cells, 1));
const third = Math.floor(minutes / 3);
if (third > 0) {
  const [before, last] = [samples.slice(-2 * third, -third), samples.slice(-third)].map(median) as [number, number];
  console.log(
    `${answered} operations; the last ${third} minutes ${last.toFixed(1)} MiB, the ${third} before ${before.toFixed(1)} MiB`,
  );
}
await redis.close();
process.exit();
