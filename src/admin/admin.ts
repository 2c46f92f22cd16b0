import { createServer } from "node:http";
import type { Server } from "node:http";
import express from "express";
import type { Metrics } from "../telemetry/metrics.ts";

export type Admin = {
  version: string;
  metrics: Metrics;
  /** Throws where the store does not answer or would not take a write. */
  probeStore: () => Promise<void>;
  isDraining: () => boolean;
};

/**
 * The operator's port. `/live`: the process answers. `/ready`: operations can be executed (200), or why not (503); a load balancer
 * stops sending then. Nothing of it is on the client port.
 */
export function createAdmin({ version, metrics, probeStore, isDraining }: Admin): Server {
  const app = express();
  app.disable("x-powered-by").set("etag", false);
  app.get("/live", (_req, res) => {
    res.json({ status: "live" });
  });
  app.get("/ready", async (_req, res) => {
    if (isDraining()) return void res.status(503).json({ status: "draining" });
    try {
      await probeStore();
      res.json({ status: "ready" });
    } catch (error) {
      res
        .status(503)
        .json({ status: "store-unavailable", why: error instanceof Error ? error.message : String(error) });
    }
  });
  app.get("/version", (_req, res) => {
    res.json({ version });
  });
  app.get("/metrics", async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.text());
  });
  app.use((_req, res) => {
    res.status(404).json({ status: "no such page", pages: ["/live", "/ready", "/version", "/metrics"] });
  });
  return createServer(app);
}
