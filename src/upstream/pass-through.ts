import { Agent as HttpAgent } from "node:http";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP } from "node:net";
import type { Socket } from "node:net";
import { createProxyMiddleware, definePlugin } from "http-proxy-middleware";
import { byName } from "../domain/headers.ts";
import { passAnswer, passInterimAnswers, passTrailers } from "./answer.ts";
import { KEEP_ALIVE_MS, MAX_HEAD_BYTES } from "./connect.ts";
import type { UpstreamAddress } from "./connect.ts";
import { limitConnecting, limitSilence } from "./limits.ts";
import { Passing } from "./passing.ts";
import type { ReadBody, Refuse } from "./passing.ts";
import { giveBackAnswer, giveBackUpload } from "./give-back.ts";
import { Tunnels, endWithClient, responseOn } from "./tunnels.ts";

export type PassThrough = {
  web(req: IncomingMessage, res: ServerResponse, outgoing: Outgoing, refuse: Refuse): void;
  /** `onStatus`: of the upstream's answer, 101 where it takes the upgrade. */
  upgrade(
    req: IncomingMessage,
    socket: Socket,
    head: Buffer,
    outgoingHeaders: string[],
    told: { refuse: Refuse; onStatus: (status: number) => void },
  ): void;
  close(): void;
};

/** `read`: where its body, or the beginning of it, was read already; the rest is streamed from the request. */
type Outgoing = { headers: string[]; read?: ReadBody | undefined };

export type PassThroughSettings = UpstreamAddress & {
  preserveHost: boolean;
  /** Longest wait for the head of an answer, and longest silence in a body (limits.ts). */
  timeoutMs: number;
};

/** Node sends these with `Transfer-Encoding: chunked` by itself where no length is given, and keeps the connection. */
const CHUNKED_BY_DEFAULT = new Set(["POST", "PUT", "PATCH"]);
/**
 * Where a request carries what becomes of it, since the library only hands on the request. No WeakMap: what a young key leads to
 * is kept until the next full collection if it leads back to the key (V8; it doubled the CPU of a request).
 */
const PASSING = Symbol("passing");
type Carrying = IncomingMessage & { [PASSING]?: Passing };
const passingOf = (req: Carrying): Passing | undefined => req[PASSING];
const EMPTY = Buffer.alloc(0);

/**
 * Any request that is not an operation: streamed by http-proxy-middleware, never buffered, never sent twice, ended when the client
 * goes. All of the library's own writing of heads, errors and upgrades is switched off, since by default it turns a cut answer into
 * a complete one, and an error into bytes of a WebSocket. What is carried and what is not: docs/pass-through.md.
 */
export function openPassThrough(settings: PassThroughSettings): PassThrough {
  const { url, preserveHost } = settings;
  const agent = openAgent(settings);
  const basePath = url.pathname.replace(/\/$/, "");
  const tunnels = new Tunnels();

  const limit = (sent: ClientRequest, one: Passing): void => {
    one.sent = sent;
    limitConnecting(sent, settings.connectTimeoutMs, () => {
      one.isConnected = true;
    });
    limitSilence(sent, settings.timeoutMs);
  };
  const passOn = (answer: IncomingMessage, res: ServerResponse, one: Passing): void => {
    one.answer = { message: answer, res };
    const unusable = passAnswer(answer, res);
    if (unusable === undefined) return giveBackAnswer(answer, one.sent!, res);
    answer.destroy();
    one.fail(unusable);
  };

  const plugin = definePlugin((proxy) => {
    proxy.on("proxyReq", (sent, req, res) => {
      const one = passingOf(req)!;
      limit(sent, one);
      sent.once("upgrade", (_answer, socket) => {
        socket.destroy();
        sent.destroy();
        one.fail(new Error("unexpected 101"));
      });
      passInterimAnswers(sent, res);
      const { read } = one;
      if (read !== undefined && read.body.length > 0) sent.write(read.body); // the library ends it, with the request
      if (read?.kind === "whole") return passTrailers(req, sent);
      if (req.complete) return;
      giveBackUpload(req, sent);
      req.once("end", () => passTrailers(req, sent)); // before pipe's, which ends the request
      if (req.readableLength === 0) sent.write(EMPTY); // the body is still to come: the head need not wait for it
    });
    proxy.on("proxyRes", (answer, req, res) => passOn(answer, res, passingOf(req)!));
    proxy.on("proxyReqWs", (sent, req, socket) => {
      const one = passingOf(req)!;
      sent.once("socket", () => {
        sent.removeAllListeners("response").removeAllListeners("upgrade"); // the library's, added behind this event
        endWithClient(sent, socket);
        sent.once("response", (answer) => {
          one.onStatus(answer.statusCode ?? 0);
          passOn(answer, responseOn(socket, req), one);
          if (one.isOver) socket.destroySoon();
        });
        sent.once("upgrade", (answer, upstream, head) => {
          one.isOver = true;
          one.onStatus(101);
          tunnels.join(socket, upstream, answer, head);
        });
        limit(sent, one);
      });
    });
    proxy.on("error", (error, req) => {
      if (req !== undefined) passingOf(req)?.fail(error);
    });
    proxy.on("econnreset", () => {}); // the client left
  });

  const proxy = createProxyMiddleware({
    target: new URL(url.origin), // of a base path the library would make "/base" of "/base/"
    agent,
    pathRewrite: (_path, req) => passingOf(req)?.target,
    ssl: { maxHeaderSize: MAX_HEAD_BYTES }, // the library's way to give options to http.request, TLS or not
    selfHandleResponse: true,
    ejectPlugins: true,
    plugins: [plugin],
  });

  const prepare = (req: IncomingMessage, outgoing: Outgoing, framing: NodeJS.Dict<string>, refuse: Refuse): Passing => {
    const one = new Passing(req, basePath + (req.url ?? "/"), outgoing.read, refuse);
    (req as Carrying)[PASSING] = one;
    const host = preserveHost ? {} : { Host: url.host };
    req.headers = { ...host, ...byName(outgoing.headers), ...framing };
    req.url = "/"; // "//" would throw in the library's path filter; pathRewrite puts the real one back
    return one;
  };

  return {
    web(req, res, outgoing, refuse) {
      prepare(req, outgoing, framingOf(req), refuse);
      void proxy(req, res, (error) => {
        if (Error.isError(error)) passingOf(req)?.fail(error);
      });
    },
    upgrade(req, socket, head, headers, { refuse, onStatus }) {
      prepare(req, { headers }, { connection: "upgrade", upgrade: "websocket" }, refuse).onStatus = onStatus;
      proxy.upgrade(req, socket, head);
    },
    close() {
      tunnels.close();
      agent.destroy();
    },
  };
}

function openAgent({ url, ca }: UpstreamAddress): HttpAgent | HttpsAgent {
  const pooled = { keepAlive: true, timeout: KEEP_ALIVE_MS, scheduling: "lifo" } as const;
  if (url.protocol !== "https:") return new HttpAgent(pooled);
  // Or Node would ask for the certificate of the Host that is sent, the client's where that is preserved.
  const servername = isIP(url.hostname.replaceAll(/^\[|\]$/g, "")) === 0 ? url.hostname : "";
  return new HttpsAgent({ ...pooled, servername, ...(ca === undefined ? {} : { ca }) });
}

/** How the body's end is told upstream: as the client told it. */
function framingOf(req: IncomingMessage): NodeJS.Dict<string> {
  if (req.headers["content-length"] !== undefined) return { "content-length": req.headers["content-length"] };
  const isChunked = req.headers["transfer-encoding"] !== undefined;
  return isChunked && !CHUNKED_BY_DEFAULT.has(req.method ?? "") ? { "transfer-encoding": "chunked" } : {};
}
