import { Agent as HttpAgent } from "node:http";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { Socket } from "node:net";
import { createProxyMiddleware, definePlugin } from "http-proxy-middleware";
import { endToEnd, via } from "../domain/headers.ts";
import type { Problem } from "../domain/problem.ts";
import { KEEP_ALIVE_MS } from "./connect.ts";
import type { UpstreamAddress } from "./connect.ts";

/** Says what went wrong before anything of an answer was sent. */
type Refuse = (problem: Problem) => void;

export type PassThrough = {
  web(req: IncomingMessage, res: ServerResponse, outgoingHeaders: string[], refuse: Refuse): void;
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer, outgoingHeaders: string[], refuse: Refuse): void;
  close(): void;
};

export type PassThroughSettings = UpstreamAddress & { preserveHost: boolean };

/** Node sends these with `Transfer-Encoding: chunked` by itself where no length is given, and keeps the connection. */
const CHUNKED_BY_DEFAULT = new Set(["POST", "PUT", "PATCH"]);
const EMPTY = Buffer.alloc(0);
const NEVER_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|CERT_.*|ERR_TLS_.*|.*_CERT.*)$/;

/**
 * Any request that is not an operation: streamed by http-proxy-middleware, never buffered, ended when the client goes. All of the
 * library's own writing of heads and errors is switched off, since by default it turns a cut answer into a complete one.
 */
export function openPassThrough({ url, ca, connectTimeoutMs, preserveHost }: PassThroughSettings): PassThrough {
  const pooled = { keepAlive: true, timeout: KEEP_ALIVE_MS, scheduling: "lifo" } as const;
  const agent =
    url.protocol === "https:"
      ? new HttpsAgent({ ...pooled, ...(ca === undefined ? {} : { ca }) })
      : new HttpAgent(pooled);
  const targets = new WeakMap<IncomingMessage, string>();
  const refusals = new WeakMap<IncomingMessage, Refuse>();

  const fail = (error: NodeJS.ErrnoException, req: IncomingMessage, res: ServerResponse): void => {
    if (res.headersSent) reset(res);
    else if (!res.destroyed) refusals.get(req)?.(problemOf(error));
  };

  const plugin = definePlugin((proxy) => {
    proxy.on("proxyReq", (sent, req, res) => {
      limitConnecting(sent, url.protocol === "https:" ? "secureConnect" : "connect", connectTimeoutMs);
      sent.once("upgrade", (_answer, socket) => {
        socket.destroy();
        sent.destroy();
        fail(new Error("unexpected 101"), req, res);
      });
    });
    proxy.on("proxyRes", (answer, req, res) => {
      res.sendDate = false;
      try {
        res.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? "", [
          ...endToEnd(answer.rawHeaders),
          "Via",
          via(answer.httpVersion),
        ]);
      } catch (error) {
        res.statusMessage = ""; // Node keeps a bad reason phrase and would throw again
        answer.destroy();
        return fail(error instanceof Error ? error : new Error(String(error)), req, res);
      }
      // Head and first piece leave in one write where they came in one; a head alone (server-sent events) leaves by itself.
      // The socket, not the response: a corked response of Node 24 sends the last chunk before the first.
      const { socket } = res;
      socket?.cork();
      setImmediate(() => socket?.uncork());
      res.write(EMPTY); // sends the head now, for server-sent events; flushHeaders() would send Latin-1 as UTF-8
      answer.once("error", () => reset(res)); // before the library's own listener, which would end it as if whole
      answer.pipe(res);
    });
    proxy.on("error", (error, req, res) => {
      if (req === undefined || res === undefined) return;
      if (res instanceof Socket) refusals.get(req)?.(problemOf(error)); // an upgrade; the library ends its socket next
      else fail(error, req, res);
    });
    proxy.on("econnreset", () => {}); // the client left
  });

  const proxy = createProxyMiddleware({
    target: url,
    agent,
    changeOrigin: !preserveHost,
    selfHandleResponse: true,
    ejectPlugins: true,
    plugins: [plugin],
    pathRewrite: (_path, req) => targets.get(req),
  });

  const prepare = (req: IncomingMessage, outgoingHeaders: string[], framing: NodeJS.Dict<string>): void => {
    req.headers = { ...asDictionary(outgoingHeaders), ...framing };
    targets.set(req, req.url ?? "/");
    req.url = "/"; // "//" would throw in the library's path filter; pathRewrite puts the real one back
  };

  return {
    web(req, res, outgoingHeaders, refuse) {
      refusals.set(req, refuse);
      prepare(req, outgoingHeaders, framingOf(req));
      void proxy(req, res, (error) => {
        if (error instanceof Error) fail(error, req, res);
      });
    },
    upgrade(req, socket, head, outgoingHeaders, refuse) {
      refusals.set(req, refuse);
      prepare(req, outgoingHeaders, { connection: "upgrade", upgrade: "websocket" });
      proxy.upgrade(req, socket, head);
    },
    close: () => agent.destroy(),
  };
}

/** How the body's end is told upstream: as the client told it. */
function framingOf(req: IncomingMessage): NodeJS.Dict<string> {
  if (req.headers["content-length"] !== undefined) return { "content-length": req.headers["content-length"] };
  const isChunked = req.headers["transfer-encoding"] !== undefined;
  return isChunked && !CHUNKED_BY_DEFAULT.has(req.method ?? "") ? { "transfer-encoding": "chunked" } : {};
}

/** The library reads a dictionary: repeats as arrays, under the spelling that came first. */
function asDictionary(raw: readonly string[]): NodeJS.Dict<string | string[]> {
  const dictionary: NodeJS.Dict<string | string[]> = Object.create(null);
  const spelling = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const [sent, value] = [raw[i]!, raw[i + 1]!];
    const name = spelling.get(sent.toLowerCase()) ?? sent;
    spelling.set(sent.toLowerCase(), name);
    const before = dictionary[name];
    dictionary[name] = before === undefined ? value : [before, value].flat();
  }
  return dictionary;
}

/** The library has no limit of its own on connecting. */
function limitConnecting(sent: ClientRequest, connected: "connect" | "secureConnect", ms: number): void {
  const { socket } = sent;
  if (socket?.connecting !== true) return;
  const tooLong = setTimeout(
    () => sent.destroy(Object.assign(new Error("connect timeout"), { code: "ETIMEDOUT" })),
    ms,
  );
  socket.once(connected, () => clearTimeout(tooLong)).once("close", () => clearTimeout(tooLong));
}

/** A cut answer must look cut. */
function reset(res: ServerResponse): void {
  if (res.socket) res.socket.resetAndDestroy();
  else res.destroy();
}

/** In words for a request without a key. */
function problemOf(error: NodeJS.ErrnoException): Problem {
  const cause = error.code ?? error.message;
  if (NEVER_CONNECTED.test(cause))
    return {
      code: "upstream-unreachable",
      what: `No connection to the API could be made (${cause}).`,
      next: "Nothing was sent: it is safe to send it again.",
    };
  return {
    code: "outcome-unknown",
    status: 502,
    what: `The request was sent, and no usable answer came back (${cause}).`,
    next: "Look in the API whether it was carried out before sending it again; with an idempotency key that would be safe.",
  };
}
