import { AggregatorRegistry } from "prom-client";
import type { Metrics, ShownMetrics } from "./metrics.ts";

/** A worker's: its primary may ask for them. */
export function shareMetrics({ registry }: Metrics): void {
  AggregatorRegistry.setRegistries([registry]);
  void new AggregatorRegistry(); // listens for the primary's question
}

/** The primary's: those of its workers, summed, and what all of them would say the same of. */
export function metricsOfAll({ registry, contentType, common }: Metrics): ShownMetrics {
  const workers = new AggregatorRegistry();
  return {
    contentType,
    /** Rejects where a worker does not answer within 5 s. */
    async text() {
      const own = await Promise.all(common.map((name) => registry.getSingleMetricAsString(name)));
      return [await workers.clusterMetrics(), ...own].join("\n").replace(/\n*$/, "\n");
    },
  };
}
