import { readFileSync } from "node:fs";
import type { LatencyRow } from "./latency.ts";
import type { RecordRow } from "./records.ts";
import type { Row } from "./table.ts";

/** What a run of the bench leaves. */
export type Results = {
  at: string;
  machine: { cpu?: string | undefined; cpus: number; node: string };
  settings: { rounds: number; seconds: number; warmup: number; connections: number };
  rows: Row[];
  latency: LatencyRow[];
  records: RecordRow[];
  bytesInFile: number;
};

/** The run that docs/sizing.md and docs/bench.svg are made of. */
export function publishedResults(): Results {
  return JSON.parse(readFileSync(new URL("results/published.json", import.meta.url), "utf8")) as Results;
}
