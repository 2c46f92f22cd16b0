import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { newId } from "../ids.ts";
import type { Request } from "../request.ts";
import { readBody } from "./body.ts";
import type { Budget } from "../budget.ts";
import type { BodyLimits } from "./body.ts";
import { forwardedHeaders } from "./forwarding.ts";
import type { Forwarder, Peer } from "./forwarding.ts";
import type { Head } from "./head.ts";

/** What requests are taken in with. */
export type Intake = {
  bodyLimits: BodyLimits;
  budget: Budget;
  forwarder: Forwarder;
  preserveHost: boolean;
};

/** One request of a client, as values. `client`: where its answer goes. */
export function asRequest(intake: Intake, req: IncomingMessage, client: ServerResponse | Socket): Request {
  const peer: Peer = { address: req.socket.remoteAddress ?? "", protocol: "http", httpVersion: req.httpVersion };
  return {
    id: newId(),
    method: req.method ?? "",
    ...split(req.url ?? "/"),
    headers: req.headersDistinct,
    readBody: () =>
      readBody(req, intake.bodyLimits, intake.budget, () => {
        if (!(client instanceof Socket)) sayContinue(req, client);
      }),
    outgoingHeaders: () => {
      const headers = forwardedHeaders(req.rawHeaders, peer, intake.forwarder);
      if (intake.preserveHost && req.headers.host !== undefined) headers.push("Host", req.headers.host);
      return headers;
    },
    isGone: () => client.destroyed,
    facts: {},
  };
}

export function headOf(req: IncomingMessage): Head {
  const { method = "", url: target = "", httpVersion, rawHeaders } = req;
  return { method, target, path: split(target).path, httpVersion, rawHeaders, isUpgrade: false };
}

/** At the first "?", which the query does not have. */
function split(target: string): { path: string; query: string } {
  const queryAt = target.indexOf("?");
  if (queryAt === -1) return { path: target, query: "" };
  return { path: target.slice(0, queryAt), query: target.slice(queryAt + 1) };
}

/** To a client that waits for it before it sends its body; HTTP/1.0 has no such word (RFC 9110, section 10.1.1). */
export function sayContinue(req: IncomingMessage, res: ServerResponse): void {
  if (req.headers.expect !== undefined && req.httpVersion === "1.1") res.writeContinue();
}

/**
 * Any other upgrade a client offers (Java's h2c) is not taken, and the request is answered as it is; so is whatever is no GET
 * (RFC 6455, section 4.1), which could be an operation.
 */
export function isWebSocket(req: IncomingMessage): boolean {
  return req.method === "GET" && /^websocket$/i.test(req.headers.upgrade ?? "");
}
