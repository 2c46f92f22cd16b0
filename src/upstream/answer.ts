import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { dropping, endToEnd, valuesOf, via } from "../domain/headers.ts";
import { endAfterUpload } from "../linger.ts";

const EMPTY = Buffer.alloc(0);
/** More lines of a head than these Node drops without a word. */
const HEADER_LINES = 1_000;
/** A server that is still at work sends one every few seconds; without an end they would keep a request open for ever. */
const INTERIM_ANSWERS = 100;
/** Trailers cannot say what had to be known before (RFC 9110, section 6.5.1). */
const NOT_IN_TRAILERS = dropping([
  "content-length",
  "content-encoding",
  "content-type",
  "content-range",
  "host",
  "set-cookie",
]);
const NOT_IN_INTERIM = dropping(["content-length"]);

/**
 * Streams the upstream's answer to the client: status, reason, end-to-end headers as received, body, trailers. An answer that is
 * cut is reset. Returns why nothing of it could be passed on; the client has no answer then.
 */
export function passAnswer(answer: IncomingMessage, res: ServerResponse): Error | undefined {
  const unusable = reasonNotToPass(answer);
  if (unusable !== undefined) return new Error(unusable);
  if (isEndedByClosing(answer, res)) {
    res.removeHeader("Transfer-Encoding"); // in chunks, a cut one would end as if it were whole
    res.shouldKeepAlive = false;
  }
  try {
    const headers = [...endToEnd(answer.rawHeaders), "Via", via(answer.httpVersion)];
    res.writeHead(answer.statusCode ?? 0, answer.statusMessage ?? "", headers);
  } catch (error) {
    res.statusMessage = ""; // Node keeps a bad reason phrase and would throw again
    return error instanceof Error ? error : new Error(String(error));
  }
  // Head and first piece leave in one write where they came in one; a head alone (server-sent events) leaves by itself.
  // The socket, not the response: a corked response of Node 24 sends the last chunk before the first.
  const { socket } = res;
  socket?.cork();
  setImmediate(() => socket?.uncork());
  res.write(EMPTY); // sends the head now, for server-sent events; flushHeaders() would send Latin-1 as UTF-8
  answer.once("error", () => reset(res)); // before the library's own listener, which would end it as if whole
  answer.once("end", () => {
    passTrailers(answer, res);
    if (res.shouldKeepAlive || res.req.complete) res.end();
    else endAfterUpload(res);
  });
  answer.pipe(res, { end: false });
  return undefined;
}

function reasonNotToPass({ rawHeaders }: IncomingMessage): string | undefined {
  if (rawHeaders.length >= 2 * HEADER_LINES) return "too many header lines";
  // Node takes chunked off and leaves every other coding in the body, which nothing would tell the client of.
  const coding = valuesOf(rawHeaders, "transfer-encoding").join(",");
  return /^\s*(chunked)?\s*$/i.test(coding) ? undefined : "a transfer coding that was not asked for";
}

/** Nothing but the end of the connection tells where the body ends (RFC 9112, section 6.3). */
function isEndedByClosing({ headers, statusCode }: IncomingMessage, { req }: ServerResponse): boolean {
  const hasBody = req.method !== "HEAD" && statusCode !== 204 && statusCode !== 304;
  return hasBody && headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;
}

/** Trailers of either direction; they leave only behind a body in chunks. */
export function passTrailers({ rawTrailers }: IncomingMessage, to: ServerResponse | ClientRequest): void {
  if (rawTrailers.length === 0) return;
  const passed = endToEnd(rawTrailers, NOT_IN_TRAILERS);
  const pairs: [string, string][] = [];
  for (let i = 0; i < passed.length; i += 2) pairs.push([passed[i]!, passed[i + 1]!]);
  orDestroy(to, () => to.addTrailers(pairs));
}

/**
 * Passes interim answers on, 103 (early hints) for instance, where the client's version knows them and Node can send them (26.2).
 * 100 is the gateway's own to say. Too many end the request.
 */
export function passInterimAnswers(sent: ClientRequest, res: ServerResponse): void {
  let count = 0;
  sent.on("information", ({ statusCode, rawHeaders, httpVersion }) => {
    if (++count > INTERIM_ANSWERS) return void sent.destroy(new Error("too many interim answers"));
    const isKnown = res.req.httpVersion === "1.1" && "writeInformation" in res;
    if (statusCode === 100 || !isKnown || res.headersSent || res.destroyed) return;
    const headers = [...endToEnd(rawHeaders, NOT_IN_INTERIM), "Via", via(httpVersion)];
    orDestroy(sent, () => res.writeInformation(statusCode, headers));
  });
}

/** What the parser lets through and Node would not write must not end the process. */
function orDestroy(message: ServerResponse | ClientRequest, write: () => void): void {
  try {
    write();
  } catch (error) {
    message.destroy(Error.isError(error) ? error : undefined);
  }
}

/** A cut answer must look cut. */
export function reset(res: ServerResponse): void {
  if (res.socket) res.socket.resetAndDestroy();
  else res.destroy();
}
