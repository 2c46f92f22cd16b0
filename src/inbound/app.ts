import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import express from "express";
import type { HeaderValues } from "../domain/key.ts";
import { problemAnswer } from "../domain/problem.ts";
import type { Problem } from "../domain/problem.ts";
import { newId } from "../ids.ts";
import { handle, refuse } from "../pipeline.ts";
import type { Gate } from "../pipeline.ts";
import type { Request, RequestEnd } from "../request.ts";
import type { PassThrough } from "../upstream/pass-through.ts";
import { readBody } from "./body.ts";
import type { BodyBudget, BodyLimits } from "./body.ts";
import { forwardedHeaders } from "./forwarding.ts";
import type { Peer } from "./forwarding.ts";
import { sendReply, writeRaw } from "./reply.ts";

export type Inbound = {
  guard: (headers: HeaderValues) => Problem | undefined;
  gate: Gate;
  passThrough: PassThrough;
  bodyLimits: BodyLimits;
  bodyBudget: BodyBudget;
  isTrusted: (address: string) => boolean;
  preserveHost: boolean;
  /** The gateway stops: every reply closes its connection. */
  isDraining: () => boolean;
  onStart: () => void;
  onEnd: (end: RequestEnd) => void;
};

/** Longer than the idle limit of the load balancers in front (60 s is common), so that they never write to a closing socket. */
const KEEP_ALIVE_MS = 75_000;

/** Node's own limit, which it drops together with requestTimeout. */
const HEAD_WITHIN_MS = 60_000;

type Served = {
  request: Request;
  req: IncomingMessage;
  res: ServerResponse;
  /** Resolves when the connection has the whole answer, or is gone. */
  closed: PromiseWithResolvers<void>;
};

export type ClientPort = {
  server: Server;
  /** Resolves when no request is being served. A connection that only stands open is none. */
  quiet(): Promise<void>;
};

/** The client port: one handler for everything, no routes (Express matches them case-insensitively). */
export function createClientPort(inbound: Inbound): ClientPort {
  const serving = new Set<Promise<void>>();
  /** What is being served on each connection, the oldest first: a client may send the next request before it has an answer. */
  const served = new WeakMap<object, Served[]>();
  const servedBy = (socket: Socket): Served[] => {
    const ofConnection: Served[] = [];
    served.set(socket, ofConnection);
    // A response whose turn never came is not told that its connection is gone.
    socket.once("close", () => ofConnection.forEach(({ closed }) => closed.resolve()));
    return ofConnection;
  };
  const app = express();
  app.disable("x-powered-by").set("etag", false).set("query parser", false);
  app.use((req, res) => {
    const closed = Promise.withResolvers<void>();
    res.once("close", closed.resolve);
    const one = { request: asRequest(inbound, req, () => res.destroyed), req, res, closed };
    const ofConnection = served.get(req.socket) ?? servedBy(req.socket);
    ofConnection.push(one);
    const ended = serve(inbound, one).finally(() => {
      ofConnection.splice(ofConnection.indexOf(one), 1);
      serving.delete(ended);
    });
    serving.add(ended);
  });
  const server = createServer(
    {
      requestTimeout: 0, // uploads that pass through may take their time; an operation's body has limits of its own
      headersTimeout: HEAD_WITHIN_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      shouldUpgradeCallback: isWebSocket,
    },
    app,
  );
  server.on("upgrade", (req, socket: Socket, head) => {
    const request = asRequest(inbound, req, () => socket.destroyed);
    inbound.passThrough.upgrade(req, socket, head, request.outgoingHeaders(), (problem) =>
      writeRaw(socket, problemAnswer(problem, request.id)),
    );
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const oldest = served.get(socket)?.[0];
    if (oldest?.req.complete === true && !oldest.res.writableEnded) {
      oldest.res.shouldKeepAlive = false; // what is malformed came behind this request, which gets its own answer first
      return;
    }
    if (oldest?.res.headersSent === true) return void oldest.req.socket.resetAndDestroy(); // no words into an answer
    if (error.code !== "ECONNRESET" && socket.writable) refuseMalformed(inbound, socket, error, oldest?.request.id);
    socket.end();
  });
  return {
    server,
    async quiet() {
      while (serving.size > 0) await Promise.all(serving);
    },
  };
}

/**
 * Any other upgrade a client offers (Java's h2c) is not taken, and the request is answered as it is; so is whatever is no GET
 * (RFC 6455, section 4.1), which could be an operation.
 */
function isWebSocket(req: IncomingMessage): boolean {
  return req.method === "GET" && /^websocket$/i.test(req.headers.upgrade ?? "");
}

/** `requestId`: of the request that it breaks off, whose own log line tells of it; without one a line is logged here. */
function refuseMalformed(inbound: Inbound, socket: Writable, error: NodeJS.ErrnoException, requestId?: string): void {
  const id = requestId ?? newId();
  const what = `The request is not HTTP as it must be (${error.code ?? error.message}).`;
  const answer = problemAnswer({ code: "bad-request", what }, id);
  writeRaw(socket, answer);
  if (requestId !== undefined) return;
  inbound.onStart();
  const { status } = answer;
  inbound.onEnd({ requestId: id, method: "", path: "", status, outcome: "bad-request", ms: 0, facts: { why: what } });
}

/** Never rejects. The request is over when it was answered and its connection has it, or when the client is gone and nothing runs. */
async function serve(inbound: Inbound, { request, req, res, closed }: Served): Promise<void> {
  const startedAt = performance.now();
  res.on("error", () => {}); // the client left; "close" follows
  inbound.onStart();
  const { id: requestId, method, path, facts } = request;
  const end: RequestEnd = { requestId, method, path, status: 0, outcome: "pass-through", ms: 0, facts };
  try {
    const unsafe = inbound.guard(request.headers);
    const reply = unsafe === undefined ? await handle(request, inbound.gate) : refuse(request, unsafe);
    const isLast = inbound.isDraining() || (reply !== "pass-through" && !req.complete);
    if (reply === "pass-through") {
      if (isLast) res.shouldKeepAlive = false;
      inbound.passThrough.web(req, res, request.outgoingHeaders(), (problem) => {
        end.outcome = problem.code;
        sendReply(res, problemAnswer(problem, requestId), true);
      });
    } else {
      end.outcome = reply.outcome;
      sendReply(res, reply, isLast);
    }
  } catch (error) {
    end.outcome = "internal";
    end.error = error;
    if (res.headersSent) res.destroy();
    else sendReply(res, problemAnswer({ code: "internal", what: "Nobody expected this." }, requestId), true);
  }
  await closed.promise;
  end.status = res.headersSent ? res.statusCode : 0;
  end.ms = performance.now() - startedAt;
  inbound.onEnd(end);
}

function asRequest(inbound: Inbound, req: IncomingMessage, isGone: () => boolean): Request {
  const url = req.url ?? "/";
  const queryAt = url.indexOf("?");
  const peer: Peer = { address: req.socket.remoteAddress ?? "", protocol: "http", httpVersion: req.httpVersion };
  return {
    id: newId(),
    method: req.method ?? "",
    path: queryAt === -1 ? url : url.slice(0, queryAt),
    query: queryAt === -1 ? "" : url.slice(queryAt + 1),
    headers: req.headersDistinct,
    readBody: () => readBody(req, inbound.bodyLimits, inbound.bodyBudget),
    outgoingHeaders: () => {
      const headers = forwardedHeaders(req.rawHeaders, peer, inbound.isTrusted);
      if (inbound.preserveHost && req.headers.host !== undefined) headers.push("Host", req.headers.host);
      return headers;
    },
    isGone,
    facts: {},
  };
}
