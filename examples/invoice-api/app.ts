import type { DatabaseSync } from "node:sqlite";
import express, { type ErrorRequestHandler, type Express } from "express";
import { json, problem, reset, send } from "./answer.ts";
import { documentRoutes } from "./documents.ts";
import { InvoiceTable } from "./invoice-table.ts";
import { invoiceRoutes } from "./invoices.ts";
import { reading } from "./reading.ts";
import { sampleRoutes } from "./samples.ts";

/**
 * An invoicing API as they often are: it validates and stores, and knows nothing of idempotency. Every accepted
 * POST takes effect, the second one like the first.
 */
export function createInvoiceApi({ database }: { readonly database: DatabaseSync }): Express {
  const app = express();
  app.disable("x-powered-by");
  app.get(
    "/health",
    reading(() => json(200, { status: "ok" })),
  );
  app.use("/invoices", express.json({ limit: "1mb" }), invoiceRoutes(new InvoiceTable(database)));
  app.use("/v1/documents", documentRoutes(database));
  app.use("/samples", sampleRoutes(database));
  app.use(reading((request) => problem(404, "Not found", `There is no ${request.method} ${request.path}.`)));
  app.use(answerError);
  return app;
}

/** What the body parsers refuse (malformed JSON, too large) keeps their status; the body itself is never logged. */
const answerError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  if (response.headersSent) return reset(response);
  const refusal = refusalOf(error);
  if (refusal) return send(response, problem(refusal.status, "Bad request", refusal.message));
  console.error(error);
  send(response, problem(500, "Internal error", "The invoice API failed."));
};

function refusalOf(error: unknown): { status: number; message: string } | undefined {
  if (!(error instanceof Object) || !("status" in error) || !("message" in error)) return undefined;
  const status = Number(error.status);
  return status >= 400 && status < 500 ? { status, message: String(error.message) } : undefined;
}
