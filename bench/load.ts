import { createHistogram } from "node:perf_hooks";
import autocannon from "autocannon";

export type LoadOrder = { url: string; connections: number; seconds: number; headers: Record<string, string> };

/** `errors`: no answer, or one that is not 2xx. Latencies are in ms. */
export type LoadReport = { answered: number; errors: number; seconds: number; p50: number; p99: number };

/** In a process of its own, so that its cost is nobody's. `[<id>]` in a header is another id in each request. */
const { url, connections, seconds, headers } = JSON.parse(String(process.argv[2])) as LoadOrder;

const micros = createHistogram();
const run = autocannon(
  {
    url: `${url}/invoices`,
    method: "POST",
    connections,
    duration: seconds,
    // It looks at the clock at its samples only.
    sampleInt: 100,
    timeout: 10,
    headers: { "content-type": "application/json", authorization: `Bearer ${"t".repeat(40)}`, ...headers },
    body: JSON.stringify({ customer: "Acme Ltd", currency: "EUR", total: "900.00", note: "x".repeat(400 - 67) }),
    idReplacement: true,
  },
  report,
);
run.on("response", (_client, _status, _bytes, ms) => micros.record(Math.max(1, Math.round(ms * 1_000))));

function report(error: unknown, result: autocannon.Result): void {
  if (error) throw error;
  const { "2xx": answered, non2xx, errors, duration } = result;
  const [p50, p99] = [micros.percentile(50) / 1_000, micros.percentile(99) / 1_000];
  console.log(JSON.stringify({ answered, errors: errors + non2xx, seconds: duration, p50, p99 } satisfies LoadReport));
}
