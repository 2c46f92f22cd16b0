import type { Field } from "./contestants.ts";
import { sendLoad } from "./program.ts";
import { alignedTable, baseOf, median } from "./table.ts";
import type { Row } from "./table.ts";
import { FIRST_USE, REPLAY } from "./workloads.ts";

/** In ms, medians; `added`: what is above the upstream's own. */
export type LatencyRow = { name: string; p50: number; p99: number; added50: number; added99: number };

const SHARE = 0.3;

/** At a load at which nobody waits for a processor: three tenths of what the bare proxy can do. */
export async function measureLatency(
  { contestants, upstream }: Field,
  rows: readonly Row[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<{ rows: LatencyRow[]; text: string }> {
  const rate = Math.round(baseOf(rows, FIRST_USE.name).requestsPerSecond * SHARE);
  const measured = [
    { name: "the upstream itself", program: upstream, workload: FIRST_USE },
    ...contestants.filter(({ workload }) => workload === FIRST_USE || workload === REPLAY),
  ].map((one) => ({
    ...one,
    name: one.workload === REPLAY ? `${one.name}, all duplicates` : one.name,
    p50: [] as number[],
    p99: [] as number[],
  }));
  for (let round = 1; round <= rounds; round++)
    for (const { program, workload, p50, p99 } of measured) {
      const load = await sendLoad({ url: program.url, connections: 16, seconds, workload, rate });
      p50.push(load.p50);
      p99.push(load.p99);
    }
  const [own50, own99] = [median(measured[0]!.p50), median(measured[0]!.p99)];
  const latencies = measured.map(({ name, ...all }) => {
    const [p50, p99] = [median(all.p50), median(all.p99)];
    return { name, p50, p99, added50: p50 - own50, added99: p99 - own99 };
  });
  const cells = latencies.map(({ name, ...ms }) => [
    name,
    ...[ms.p50, ms.p99, ms.added50, ms.added99].map((n) => n.toFixed(2)),
  ]);
  const heads = [`latency at ${rate} requests/s, ms`, "p50", "p99", "added p50", "added p99"];
  return { rows: latencies, text: alignedTable(heads, cells, 1) };
}
