import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Readable } from "node:stream";
import type { Duplex } from "node:stream";
import type { Share } from "../budget.ts";
import { problemAnswer } from "../domain/problem.ts";
import type { Problem } from "../domain/problem.ts";
import { newId } from "../ids.ts";
import { refuse } from "../answering.ts";
import { handle } from "../pipeline.ts";
import type { Gate } from "../pipeline.ts";
import type { Reply, Request, RequestEnd } from "../request.ts";
import type { PassThrough } from "../upstream/pass-through.ts";
import type { Guard, Unsafe } from "./guard.ts";
import { UnderWay } from "../under-way.ts";
import { asRequest, headOf, isWebSocket, sayContinue } from "./incoming.ts";
import type { Intake } from "./incoming.ts";
import type { ConnectionLimits } from "./limits.ts";
import { malformation } from "./malformed.ts";
import { sendReply, writeLast, writeRaw } from "./reply.ts";
import { beginUnserved, refuseUnserved } from "./unserved.ts";

export type Inbound = Intake & {
  guard: Guard;
  gate: Gate;
  passThrough: PassThrough;
  limits: ConnectionLimits;
  /** The gateway stops: every reply closes its connection. */
  isDraining: () => boolean;
  onStart: () => void;
  onEnd: (end: RequestEnd) => void;
};

type Served = {
  request: Request;
  req: IncomingMessage;
  res: ServerResponse;
  /** Resolves when the connection has the whole answer, or is gone. */
  closed: PromiseWithResolvers<void>;
  isPassThrough: boolean;
  /** It turned malformed before it was answered; the client was told. */
  brokenOff?: Problem;
};

type Connection = {
  /** What is being served, the oldest first: a client may send the next request before it has an answer. */
  served: Served[];
  /** Its last answer is given. What comes behind is not looked at (RFC 9112, section 9.6): it may be a refused request's body. */
  isOver: boolean;
  /** How many requests came behind that. */
  behind: number;
};

/** As many as browsers ever sent one behind the other. Without a limit one connection opened thousands to the upstream. */
const MOST_UNANSWERED = 32;
const TOO_MANY: Unsafe = {
  code: "overloaded",
  what: `More than ${MOST_UNANSWERED} requests wait for their answers on this connection.`,
  reason: "too many requests on a connection",
};

export type ClientPort = {
  server: Server;
  isServing(): boolean;
  /** Resolves when no request is being served. A connection that only stands open is none. */
  quiet(): Promise<void>;
};

/** The client port: one handler for everything. No Express (docs/adr/0018): there are no routes, and it made a replay a tenth dearer. */
export function createClientPort(inbound: Inbound): ClientPort {
  const serving = new UnderWay();
  const connections = new WeakMap<object, Connection>();
  const opened = (socket: Socket): Connection => {
    const connection: Connection = { served: [], isOver: false, behind: 0 };
    connections.set(socket, connection);
    // A response whose turn never came is not told that its connection is gone.
    socket.once("close", () => connection.served.forEach(({ closed }) => closed.resolve()));
    return connection;
  };
  const begin = (req: IncomingMessage, res: ServerResponse, unsafe?: Unsafe): void => {
    const connection = connections.get(req.socket) ?? opened(req.socket);
    if (connection.isOver) {
      // Each takes memory until its connection is closed.
      if (++connection.behind > MOST_UNANSWERED) req.socket.resetAndDestroy();
      return void req.resume();
    }
    const closed = Promise.withResolvers<void>();
    res.once("close", closed.resolve);
    const request = asRequest(inbound, req, res);
    const one: Served = { request, req, res, closed, isPassThrough: false };
    connection.served.push(one);
    serving.begin();
    void serve(inbound, one, connection, unsafe).then(() => {
      connection.served.splice(connection.served.indexOf(one), 1);
      serving.end();
    });
  };
  const receive = (req: IncomingMessage, res: ServerResponse): void => {
    const served = connections.get(req.socket)?.served.length ?? 0;
    begin(req, res, served >= MOST_UNANSWERED ? TOO_MANY : inbound.guard(headOf(req)));
  };
  const server = createServer(
    {
      requestTimeout: 0, // uploads that pass through may take their time; an operation's body has limits of its own
      headersTimeout: inbound.limits.headMs,
      connectionsCheckingInterval: inbound.limits.lookMs,
      keepAliveTimeout: inbound.limits.idleMs,
      requireHostHeader: false, // the guard says it in words
      shouldUpgradeCallback: isWebSocket,
    },
    receive,
  );
  // By itself Node would say 100, or 417. Here the guard looks first, and 100 is said when the body is going to be read.
  server.on("checkContinue", receive).on("checkExpectation", receive);
  const takeOver = (req: IncomingMessage, socket: Socket, head: Buffer): void => {
    socket.on("error", () => {}); // Node has let go of it, and an error that nobody hears ends the process
    const connection = connections.get(socket);
    if (connection !== undefined && (connection.isOver || closeBehind(connection))) return void socket.resume();
    socket.setTimeout(0); // a WebSocket may be silent
    const request = asRequest(inbound, req, socket);
    const unsafe = inbound.guard({ ...headOf(req), isUpgrade: true });
    if (unsafe !== undefined) return refuseUnserved(inbound, socket, unsafe, request, unsafe.reason);
    const end = beginUnserved(inbound, socket, request);
    inbound.passThrough.upgrade(req, socket, head, request.outgoingHeaders(), {
      refuse(problem) {
        const answer = problemAnswer(problem, request.id);
        Object.assign(end, { status: answer.status, outcome: problem.code });
        writeRaw(socket, answer);
      },
      onStatus: (status) => (end.status = status),
    });
  };
  server.on("upgrade", takeOver).on("connect", takeOver); // without a listener Node drops a CONNECT without a word
  server.timeout = inbound.limits.stalledMs;
  server.on("timeout", (socket) => {
    const oldest = connections.get(socket)?.served[0];
    if (oldest === undefined) socket.destroy(); // idle between two requests
    else if (socket.writableLength > 0 || isStalledUpload(oldest)) socket.resetAndDestroy();
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const connection = connections.get(socket);
    if (connection?.isOver === true || !socket.writable) return; // its last answer is on its way
    if (connection !== undefined && closeBehind(connection)) return;
    const oldest = connection?.served[0];
    if (oldest?.res.headersSent === true) return void oldest.req.socket.resetAndDestroy(); // no words into an answer
    const problem = malformation(error, socket instanceof Socket && socket.bytesRead > 0);
    if (problem === undefined) socket.destroy();
    else if (oldest === undefined)
      refuseUnserved(inbound, socket, problem, { id: newId(), method: "", path: "" }, problem.what);
    else {
      oldest.brokenOff = problem; // counted and logged where it ends
      writeLast(socket, problemAnswer(problem, oldest.request.id));
    }
  });
  return {
    server,
    isServing: () => !serving.isNone,
    quiet: () => serving.none(),
  };
}

/** What is wholly here gets its own answer first; nothing behind it is looked at. False where nothing is. */
function closeBehind(connection: Connection): boolean {
  const last = connection.served.findLast(({ req }) => req.complete);
  if (last === undefined) return false;
  connection.isOver = true;
  last.res.shouldKeepAlive = false;
  void last.closed.promise.then(() => last.req.socket.destroySoon()); // its head may have said otherwise
  return true;
}

/** The client sends nothing, and is not held up by the upstream. One that has begun to get its answer may be silent. */
function isStalledUpload({ req, res, isPassThrough }: Served): boolean {
  return isPassThrough && !req.complete && !res.headersSent && req.readableLength === 0;
}

/** Never rejects. The request is over when it was answered and its connection has it, or when the client is gone and nothing runs. */
async function serve(inbound: Inbound, one: Served, connection: Connection, unsafe?: Unsafe): Promise<void> {
  const { request, req, res, closed } = one;
  const startedAt = performance.now();
  res.on("error", () => {}); // the client left; "close" follows
  inbound.onStart();
  const { id: requestId, method, path, facts } = request;
  let replyBytes = 0;
  let readBytes: Share | undefined;
  const end: RequestEnd = { requestId, method, path, status: 0, outcome: "pass-through", ms: 0, facts };
  try {
    if (unsafe !== undefined) facts.why = unsafe.reason;
    const reply = unsafe === undefined ? await handle(request, inbound.gate) : refuse(request, unsafe);
    const isPassThrough = reply.outcome === "pass-through";
    const isLast = inbound.isDraining() || unsafe !== undefined || (!isPassThrough && !req.complete);
    if (reply.outcome === "pass-through") readBytes = reply.read?.share;
    if (one.brokenOff !== undefined) {
      // The body turned out malformed in the tick of its head, which is not sent on then.
    } else if (reply.outcome === "pass-through") {
      if (isLast) res.shouldKeepAlive = false;
      one.isPassThrough = true;
      if (reply.read === undefined) sayContinue(req, res);
      const refuseIt = (problem: Problem): void => {
        end.outcome = problem.code;
        facts.why = problem.what;
        sendReply(res, problemAnswer(problem, requestId), true);
      };
      inbound.passThrough.web(req, res, { headers: request.outgoingHeaders(), read: reply.read }, refuseIt);
    } else {
      end.outcome = reply.outcome;
      connection.isOver ||= isLast;
      replyBytes = bytesOf(reply.body);
      inbound.budget.hold(replyBytes);
      sendReply(res, reply, isLast);
    }
  } catch (error) {
    end.outcome = "internal";
    end.error = error;
    if (res.headersSent) res.destroy();
    else sendReply(res, problemAnswer({ code: "internal", what: "Nobody expected this." }, requestId), true);
  }
  await closed.promise;
  inbound.budget.give(replyBytes);
  readBytes?.giveBack();
  end.status = res.headersSent ? res.statusCode : 0;
  if (one.brokenOff !== undefined) {
    Object.assign(end, { outcome: one.brokenOff.code, status: problemAnswer(one.brokenOff, requestId).status });
    facts.why = one.brokenOff.what;
  }
  end.ms = performance.now() - startedAt;
  inbound.onEnd(end);
}

/** What a reply keeps in memory until its client has taken it. */
function bytesOf(body: Reply["body"]): number {
  return body instanceof Readable ? body.readableLength : body.length;
}
