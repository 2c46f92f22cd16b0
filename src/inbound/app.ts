import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import express from "express";
import { v7 as newRequestId } from "uuid";
import { problemAnswer } from "../domain/problem.ts";
import type { Problem } from "../domain/problem.ts";
import { handle } from "../pipeline.ts";
import type { Facts, Gate, Outcome, Reply, Request } from "../pipeline.ts";
import { forwardedHeaders } from "../upstream/forwarding.ts";
import type { Peer } from "../upstream/forwarding.ts";
import type { PassThrough } from "../upstream/pass-through.ts";
import { readBody } from "./body.ts";
import type { BodyBudget, BodyLimits } from "./body.ts";
import { sendReply, writeRaw } from "./reply.ts";

/** What is known of a request when it is over. `status` 0: the client left before anything was answered. */
export type RequestEnd = {
  requestId: string;
  method: string;
  path: string;
  status: number;
  outcome: Outcome;
  ms: number;
  facts: Facts;
  /** For an error that nobody expected. */
  error?: unknown;
};

export type Inbound = {
  gate: Gate;
  passThrough: PassThrough;
  bodyLimits: BodyLimits;
  bodyBudget: BodyBudget;
  isTrusted: (address: string) => boolean;
  /** The gateway stops: every reply closes its connection. */
  isDraining: () => boolean;
  onStart: () => void;
  onEnd: (end: RequestEnd) => void;
};

/** Longer than the idle limit of the load balancers in front (60 s is common), so that they never write to a closing socket. */
const KEEP_ALIVE_MS = 75_000;

/** The client port: one handler for everything, no routes (Express matches them case-insensitively). */
export function createInbound(inbound: Inbound): Server {
  const app = express();
  app.disable("x-powered-by").set("etag", false).set("query parser", false);
  app.use((req, res) => serve(inbound, req, res));
  const server = createServer(
    { requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS, shouldUpgradeCallback: isWebSocket },
    app,
  );
  server.on("upgrade", (req, socket: Socket, head) => {
    const request = asRequest(inbound, req, () => socket.destroyed);
    inbound.passThrough.upgrade(req, socket, head, request, (problem) =>
      writeRaw(socket, problemAnswer(problem, request.id)),
    );
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (error.code !== "ECONNRESET" && socket.writable)
      writeRaw(socket, problemAnswer(malformed(error), newRequestId()));
    socket.end();
  });
  return server;
}

/** Any other upgrade a client offers (Java's h2c) is not taken, and the request is answered as it is. */
function isWebSocket(req: IncomingMessage): boolean {
  return /^websocket$/i.test(req.headers.upgrade ?? "");
}

function malformed(error: NodeJS.ErrnoException): Problem {
  return { code: "bad-request", what: `The request is not HTTP as it must be (${error.code ?? error.message}).` };
}

async function serve(inbound: Inbound, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const startedAt = performance.now();
  const request = asRequest(inbound, req, () => res.destroyed);
  inbound.onStart();
  let outcome: Outcome = "pass-through";
  let error: unknown;
  res.once("close", () => {
    const { id: requestId, method, path, facts } = request;
    const status = res.headersSent ? res.statusCode : 0;
    inbound.onEnd({
      requestId,
      method,
      path,
      status,
      outcome,
      ms: performance.now() - startedAt,
      facts,
      ...(error === undefined ? {} : { error }),
    });
  });
  res.on("error", () => {}); // the client left; "close" follows

  let reply: Reply | "pass-through";
  try {
    reply = await handle(request, inbound.gate);
  } catch (unexpected) {
    error = unexpected;
    reply = { outcome: "internal", ...problemAnswer({ code: "internal", what: "Nobody expected this." }, request.id) };
  }
  const isLast = inbound.isDraining() || (reply !== "pass-through" && !req.complete);
  if (reply === "pass-through") {
    if (isLast) res.shouldKeepAlive = false;
    inbound.passThrough.web(req, res, request, (problem) => {
      outcome = problem.code;
      sendReply(res, { outcome, ...problemAnswer(problem, request.id) }, true);
    });
    return;
  }
  outcome = reply.outcome;
  sendReply(res, reply, isLast);
}

function asRequest(inbound: Inbound, req: IncomingMessage, isGone: () => boolean): Request {
  const url = req.url ?? "/";
  const queryAt = url.indexOf("?");
  const peer: Peer = { address: req.socket.remoteAddress ?? "", protocol: "http", httpVersion: req.httpVersion };
  return {
    id: newRequestId(),
    method: req.method ?? "",
    path: queryAt === -1 ? url : url.slice(0, queryAt),
    query: queryAt === -1 ? "" : url.slice(queryAt + 1),
    headers: req.headersDistinct,
    readBody: () => readBody(req, inbound.bodyLimits, inbound.bodyBudget),
    outgoingHeaders: () => forwardedHeaders(req.rawHeaders, peer, inbound.isTrusted),
    isGone,
    facts: {},
  };
}
