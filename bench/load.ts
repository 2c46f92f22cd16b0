import { randomBytes } from "node:crypto";
import { createHistogram } from "node:perf_hooks";
import autocannon from "autocannon";
import { jsonOf, pathOf } from "./workloads.ts";
import type { Workload } from "./workloads.ts";

/** `rate`: requests per second, where the load is less than the most. */
export type LoadOrder = { url: string; connections: number; seconds: number; workload: Workload; rate?: number };

/** `errors`: no answer, or one that is not 2xx. Latencies are in ms. */
export type LoadReport = { answered: number; errors: number; seconds: number; p50: number; p99: number };

const bodyOf = ({ requestBytes }: Workload): string =>
  jsonOf(requestBytes, { customer: "Acme Ltd", currency: "EUR", total: "900.00" });
/** No other load's keys start so. */
export const ownText = (): string => `${randomBytes(8).toString("hex")}-`;

/** In a process of its own, so that its cost is nobody's. */
if (import.meta.main) load(JSON.parse(String(process.argv[2])) as LoadOrder);

function load({ url, connections, seconds, workload, rate }: LoadOrder): void {
  const own = ownText();
  let sent = 0;
  const nextKey = (): string => {
    sent++;
    if (workload.keys === "all the same") return "the-one-key";
    return workload.keys === "1% again" && sent % 100 === 0 && sent > 1_001 ? `${own}${sent - 1_001}` : `${own}${sent}`;
  };
  const headers = { "content-type": "application/json", authorization: `Bearer ${"t".repeat(40)}` };
  const micros = createHistogram();
  const run = autocannon(
    {
      url: `${url}${pathOf(workload)}`,
      connections,
      duration: seconds,
      ...(rate === undefined ? {} : { overallRate: rate }),
      // It looks at the clock at its samples only.
      sampleInt: 100,
      timeout: 10,
      requests: [
        {
          method: workload.method,
          headers,
          ...(workload.method === "POST" ? { body: bodyOf(workload) } : {}),
          setupRequest: (request) => ({ ...request, headers: { ...headers, "x-idempotency-key": nextKey() } }),
        },
      ],
    },
    (error: unknown, result) => {
      if (error) throw error;
      const { "2xx": answered, non2xx, errors, duration } = result;
      const [p50, p99] = [micros.percentile(50) / 1_000, micros.percentile(99) / 1_000];
      console.log(
        JSON.stringify({ answered, errors: errors + non2xx, seconds: duration, p50, p99 } satisfies LoadReport),
      );
    },
  );
  run.on("response", (_client, _status, _bytes, ms) => micros.record(Math.max(1, Math.round(ms * 1_000))));
}
