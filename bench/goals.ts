import type { LatencyRow } from "./latency.ts";
import type { RecordRow } from "./records.ts";
import { alignedTable } from "./table.ts";
import type { Row, Turn } from "./table.ts";

const BARE = "bare http-proxy-middleware";
const PASSING = "Oncegate, pass-through";
const ON_REDIS = "Oncegate, redis";
const ON_SQLITE = "Oncegate, sqlite";

/** What Oncegate is meant to reach, as ratios, beside what this run measured; a line without its contestants is left out. */
export function goalsOf(rows: readonly Row[], latencies: readonly LatencyRow[], records: readonly RecordRow[]): string {
  const turn = (name: string, workload: string): Turn | undefined =>
    rows.find((row) => row.name === name && row.workload === workload)?.median;
  const ratio = (
    field: "cpuMicrosPerRequest" | "requestsPerSecond",
    one: [string, string],
    other: [string, string],
  ) => {
    const [a, b] = [turn(...one), turn(...other)];
    return a && b && a[field] / b[field];
  };
  const added = (field: "added50" | "added99"): number | undefined => {
    const of = (name: string): number | undefined => latencies.find((row) => row.name === name)?.[field];
    const [a, b] = [of(ON_REDIS), of(BARE)];
    return a === undefined || b === undefined ? undefined : a / b;
  };
  const lines: [string, number | undefined, "<=" | ">=", number][] = [
    [
      "CPU of a first use, redis : bare",
      ratio("cpuMicrosPerRequest", [ON_REDIS, "small"], [BARE, "small"]),
      "<=",
      0.85,
    ],
    [
      "requests/s of first uses, redis : bare",
      ratio("requestsPerSecond", [ON_REDIS, "small"], [BARE, "small"]),
      ">=",
      1.2,
    ],
    [
      "requests/s of first uses, redis : nginx",
      ratio("requestsPerSecond", [ON_REDIS, "small"], ["nginx proxy_cache", "small"]),
      ">=",
      1.5,
    ],
    [
      "CPU of a replay, redis : bare",
      ratio("cpuMicrosPerRequest", [ON_REDIS, "small, all duplicates"], [BARE, "small"]),
      "<=",
      0.4,
    ],
    [
      "requests/s of first uses, sqlite : redis",
      ratio("requestsPerSecond", [ON_SQLITE, "small"], [ON_REDIS, "small"]),
      ">=",
      0.8,
    ],
    ["CPU of pass-through POST : bare", ratio("cpuMicrosPerRequest", [PASSING, "small"], [BARE, "small"]), "<=", 1.05],
    ["CPU of pass-through GET : bare", ratio("cpuMicrosPerRequest", [PASSING, "GET"], [BARE, "GET"]), "<=", 1.05],
    ["added latency p50, redis : bare", added("added50"), "<=", 1.3],
    ["added latency p99, redis : bare", added("added99"), "<=", 1.5],
    ["Redis bytes of a record above a body of 600 B", records[0]?.bytesAboveBody, "<=", 350],
  ];
  const cells = lines.flatMap(([what, measured, relation, goal]) => {
    if (measured === undefined) return [];
    const isReached = relation === "<=" ? measured <= goal : measured >= goal;
    return [[what, isReached ? "yes" : "NO", measured.toFixed(2), `${relation} ${goal}`]];
  });
  return alignedTable(["goal", "reached", "measured", "goal"], cells, 2);
}
