import { createServer } from "node:http";
import type { Server } from "node:http";
import express from "express";
import type { NextFunction, Request as ExpressRequest, Response as ExpressResponse } from "express";
import { z } from "zod";
import type { Standing } from "../store/continuity.ts";
import type { Loss } from "../store/loss.ts";
import type { Operator } from "../store/operator.ts";
import type { ShownMetrics } from "../telemetry/metrics.ts";
import { operatorAccess } from "./access.ts";
import { recordPages } from "./records.ts";
import { storePages } from "./store.ts";
import { reasonOf } from "../reason.ts";

export type Admin = {
  version: string;
  metrics: ShownMetrics;
  /** Throws where the store does not answer or would not take a write. */
  probeStore: () => Promise<void>;
  isDraining: () => boolean;
  operator: Operator;
  loss: Loss;
  keyHashOfClientKey: (key: string) => Promise<string>;
  token: string | undefined;
};

const PAGES = ["/live", "/ready", "/version", "/metrics", "/records", "/journal", "/store"];

/**
 * The operator's port. `/live`: the process answers. `/ready`: operations can be executed (200), or why not (503); a load balancer
 * stops sending then. After a loss of data it stays 200, with a warning, since everything but operations works. Nothing of it is on
 * the client port. /records, /journal and /store are for operators alone (access.ts).
 */
export function createAdmin(admin: Admin): Server {
  const { version, metrics, probeStore, isDraining } = admin;
  const app = express();
  app.disable("x-powered-by").set("etag", false);
  app.get("/live", (_req, res) => {
    res.json({ status: "live" });
  });
  app.get("/ready", async (_req, res) => {
    if (isDraining()) return void res.status(503).json({ status: "draining" });
    try {
      await probeStore();
      res.json({ status: "ready", ...warningOf(admin.loss.standing) });
    } catch (error) {
      res.status(503).json({ status: "store-unavailable", why: reasonOf(error) });
    }
  });
  app.get("/version", (_req, res) => {
    res.json({ version });
  });
  app.get("/metrics", async (_req, res) => {
    res.type(metrics.contentType).send(await metrics.text());
  });
  const access = operatorAccess(admin.token);
  app.use(["/records", "/journal", "/store"], (req, res, next) => {
    if (access(req) === "allowed") return next();
    const what =
      admin.token === undefined
        ? "Only from this machine, or with a token: set ONCEGATE_ADMIN_TOKEN."
        : "Send the token of ONCEGATE_ADMIN_TOKEN as Authorization: Bearer.";
    res.status(401).set("WWW-Authenticate", "Bearer").json({ error: "unauthorized", what });
  });
  app.use(recordPages(admin.operator, admin.keyHashOfClientKey));
  app.use(storePages(admin.loss));
  app.use((_req, res) => {
    res.status(404).json({ status: "no such page", pages: PAGES });
  });
  app.use((error: unknown, _req: ExpressRequest, res: ExpressResponse, _next: NextFunction) => {
    const { status, body } = failureOf(error);
    res.status(status).json(body);
  });
  return createServer(app);
}

function warningOf(standing: Standing): { warning?: string } {
  switch (standing.kind) {
    case "lost":
      return { warning: `store-lost-data: ${standing.why}. Operations are refused until an operator accepts it` };
    case "foreign":
      return {
        warning: `store-lost-data: ${standing.why}. Operations are refused until the setting or the store is right`,
      };
    case "whole":
    case "unseen":
      return {};
  }
}

/** Instead of Express's page, which would show a stack. */
function failureOf(error: unknown): { status: number; body: { error: string; what: string } } {
  if (error instanceof z.ZodError) return { status: 400, body: { error: "bad-request", what: z.prettifyError(error) } };
  const what = reasonOf(error);
  if (error instanceof Error && error.name === "StoreError")
    return { status: 503, body: { error: "store-unavailable", what } };
  const status = error instanceof Error && "status" in error && typeof error.status === "number" ? error.status : 500;
  return { status, body: { error: status < 500 ? "bad-request" : "internal", what } };
}
