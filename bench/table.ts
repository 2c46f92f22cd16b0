/** What one contestant did in one round. */
export type Turn = {
  requestsPerSecond: number;
  cpuMicrosPerRequest: number;
  p50: number;
  p99: number;
  rssMiB: number;
  errors: number;
};

export type Row = { name: string; turns: Turn[]; median: Turn };

/** Medians, but of errors the sum: one is too many. */
export function rowOf(name: string, turns: Turn[]): Row {
  const median = (field: keyof Turn): number => {
    const sorted = turns.map((turn) => turn[field]).toSorted((a, b) => a - b);
    return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  };
  return {
    name,
    turns,
    median: {
      requestsPerSecond: median("requestsPerSecond"),
      cpuMicrosPerRequest: median("cpuMicrosPerRequest"),
      p50: median("p50"),
      p99: median("p99"),
      rssMiB: median("rssMiB"),
      errors: turns.reduce((sum, { errors }) => sum + errors, 0),
    },
  };
}

/** The first row is what the others are compared with. */
export function tableOf(rows: readonly Row[]): string {
  const first = rows[0]!.median;
  const cells = rows.map(({ name, median }) => [
    name,
    median.requestsPerSecond.toFixed(0),
    (median.requestsPerSecond / first.requestsPerSecond).toFixed(2),
    median.cpuMicrosPerRequest.toFixed(0),
    (median.cpuMicrosPerRequest / first.cpuMicrosPerRequest).toFixed(2),
    median.p50.toFixed(1),
    median.p99.toFixed(1),
    median.rssMiB.toFixed(0),
    String(median.errors),
  ]);
  const heads = ["", "requests/s", "x bare", "CPU µs/request", "x bare", "p50 ms", "p99 ms", "RSS MiB", "errors"];
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((line) => line[i]!.length)));
  const lineOf = (line: readonly string[]): string =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
  return [lineOf(heads), ...cells.map(lineOf)].join("\n");
}
