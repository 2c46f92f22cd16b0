import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { observesSomething } from "../domain/rule.ts";
import type { Rule } from "../domain/rule.ts";
import type { Facts, RequestEnd } from "../request.ts";

/** From half a millisecond, a store's round trip, to the default upstream limit. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export type Metrics = ReturnType<typeof openMetrics>;

/** What the operator's port shows. */
export type ShownMetrics = Pick<Metrics, "contentType" | "text">;

/** The metrics that are named in README.md, "Operating it". Labels have few values: never a key, a scope or a path. */
export function openMetrics({
  countUnknown,
  bufferedBytes,
}: {
  countUnknown: () => Promise<number>;
  bufferedBytes: () => number;
}) {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "oncegate_requests_total",
    help: "Requests by outcome: completed, replayed, released, unknown (it became so), published, pass-through or a problem's code.",
    labelNames: ["outcome"],
    registers,
  });
  const observed = new Counter({
    name: "oncegate_observed_total",
    help: "Requests that were passed on because their rule only observes, and what they would have been answered.",
    labelNames: ["rule", "outcome"],
    registers,
  });
  const observing = new Gauge({
    name: "oncegate_observing",
    help: "1 for each rule in force that only observes, or only counts duplicates.",
    labelNames: ["rule"],
    aggregator: "max",
    registers,
  });
  new Gauge({
    name: "process_start_time_seconds", // the name that Prometheus and its tools know
    help: "Since when this process counts; of several workers the youngest.",
    aggregator: "max",
    registers,
  }).set(Math.floor(performance.timeOrigin / 1_000));
  const inFlight = new Gauge({ name: "oncegate_in_flight", help: "Requests being served.", registers });
  const store = new Histogram({
    name: "oncegate_store_seconds",
    help: "Time of one verb of the store, by verb and whether it answered.",
    labelNames: ["verb", "answered"],
    buckets: SECONDS,
    registers,
  });
  const lost = new Gauge({
    name: "oncegate_store_lost",
    help: "1 while operations are refused because the store lost data.",
    aggregator: "max",
    registers,
  });
  const rulesRefused = new Gauge({
    name: "oncegate_rules_refused",
    help: "1 while the rules file has a mistake and the rules before it are in force.",
    aggregator: "max",
    registers,
  });
  const upstream = new Histogram({
    name: "oncegate_upstream_seconds",
    help: "Time from sending an operation to the end of its answer.",
    buckets: SECONDS,
    registers,
  });
  return {
    registry,
    /** What every process would say the same of: the store's, not its own. */
    common: ["oncegate_unknown_records"],
    text: () => registry.metrics(),
    unknown: new Gauge({
      name: "oncegate_unknown_records",
      help: "Operations of which nobody can tell whether they were executed.",
      aggregator: "omit", // one asks for all
      registers,
      async collect() {
        try {
          this.set(await countUnknown());
        } catch {
          this.set(Number.NaN); // the store is away: no number is better than an old one
        }
      },
    }),
    buffered: new Gauge({
      name: "oncegate_buffered_bytes",
      help: "Bytes of bodies and answers that operations keep in memory (ONCEGATE_MAX_BUFFERED).",
      registers,
      collect() {
        this.set(bufferedBytes());
      },
    }),
    contentType: registry.contentType,
    storeStands: (isLost: boolean) => lost.set(isLost ? 1 : 0),
    rulesInForce(rules: readonly Rule[]): void {
      observing.reset();
      for (const rule of rules) if (observesSomething(rule)) observing.set({ rule: rule.name }, 1);
    },
    rulesRefused: (isRefused: boolean) => rulesRefused.set(isRefused ? 1 : 0),
    requestStarted: () => inFlight.inc(),
    requestEnded({ outcome, facts }: RequestEnd): void {
      inFlight.dec();
      requests.inc({ outcome });
      if (facts.observed !== undefined) observed.inc({ rule: facts.rule ?? "", outcome: facts.observed });
      this.operationEnded(facts);
    },
    /** Also called for what ends after its request. */
    operationEnded({ upstreamMs }: Facts): void {
      if (upstreamMs !== undefined) upstream.observe(upstreamMs / 1_000);
    },
    storeAnswered: (verb: string, answered: boolean, seconds: number) =>
      store.observe({ verb, answered: String(answered) }, seconds),
  };
}
