/** What one contestant did in one round. */
export type Turn = {
  requestsPerSecond: number;
  cpuMicrosPerRequest: number;
  p50: number;
  p99: number;
  rssMiB: number;
  errors: number;
};

export type Row = { name: string; workload: string; turns: Turn[]; median: Turn };

/** Medians, but of errors the sum: one is too many. */
export function rowOf({ name, workload }: { name: string; workload: string }, turns: Turn[]): Row {
  const of = (field: keyof Turn): number => median(turns.map((turn) => turn[field]));
  return {
    name,
    workload,
    turns,
    median: {
      requestsPerSecond: of("requestsPerSecond"),
      cpuMicrosPerRequest: of("cpuMicrosPerRequest"),
      p50: of("p50"),
      p99: of("p99"),
      rssMiB: of("rssMiB"),
      errors: turns.reduce((sum, { errors }) => sum + errors, 0),
    },
  };
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** The bare proxy's row with the same sizes; it knows no keys, so any keys are the same to it. */
export function baseOf(rows: readonly Row[], workload: string): Turn {
  const plain = workload.split(",")[0];
  return rows.find((row) => row.name.startsWith("bare") && row.workload === plain)!.median;
}

export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ name, workload, median: turn }) => {
    const base = baseOf(rows, workload);
    return [
      workload,
      name,
      turn.requestsPerSecond.toFixed(0),
      (turn.requestsPerSecond / base.requestsPerSecond).toFixed(2),
      turn.cpuMicrosPerRequest.toFixed(0),
      (turn.cpuMicrosPerRequest / base.cpuMicrosPerRequest).toFixed(2),
      turn.p50.toFixed(1),
      turn.p99.toFixed(1),
      turn.rssMiB.toFixed(0),
      String(turn.errors),
    ];
  });
  const heads = ["workload", "", "req/s", "x bare", "CPU µs/req", "x bare", "p50 ms", "p99 ms", "RSS MiB", "errors"];
  return alignedTable(
    heads,
    cells.toSorted((a, b) => a[0]!.localeCompare(b[0]!)),
    2,
  );
}

/** The first columns, `texts` of them, are flush left. */
export function alignedTable(heads: readonly string[], cells: readonly string[][], texts: number): string {
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((line) => line[i]!.length)));
  const lineOf = (line: readonly string[]): string =>
    line.map((cell, i) => (i < texts ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
  return [lineOf(heads), ...cells.map(lineOf)].join("\n");
}
