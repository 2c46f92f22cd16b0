import { STATUS_CODES } from "node:http";
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Duplex, Writable } from "node:stream";
import { valueOf } from "../domain/headers.ts";
import { endAfterUpload, LINGER_MS } from "../linger.ts";
import type { Reply } from "../request.ts";

/** Statuses whose answers have no body and no Content-Length (RFC 9110, section 8.6). */
const BODILESS = new Set([204, 304]);

/**
 * Writes a reply. Raw headers keep case, order, repeats and Latin-1 bytes; the body leaves as a Buffer, because Node would
 * write the head in the encoding of a string body. A streamed body that breaks off resets the connection: the client must not
 * take a part for the whole.
 */
export function sendReply(
  res: ServerResponse,
  { status, headers, body }: Omit<Reply, "outcome">,
  isLast: boolean,
): void {
  if (res.destroyed) {
    if (body instanceof Readable) body.destroy();
    return;
  }
  const head = [...headers];
  if (!(body instanceof Readable) && !BODILESS.has(status) && valueOf(headers, "content-length") === undefined)
    head.push("Content-Length", String(body.length));
  if (isLast) head.push("Connection", "close");
  res.writeHead(status, head);
  if (!(body instanceof Readable)) {
    if (res.req.complete) return void res.end(body);
    res.write(body); // by its length it is whole for its client at once
    return endAfterUpload(res);
  }
  const reset = (): void => {
    res.socket?.resetAndDestroy();
  };
  if (body.destroyed) return reset(); // cut while it was settled
  // Not stream.pipeline, which closes the connection in good order before it says that the body broke off.
  body.once("error", reset);
  res.once("close", () => body.destroy());
  body.pipe(res);
}

type Whole = { status: number; headers: string[]; body: Buffer };

/** Writes a whole reply where Node has no response object: to upgrades that fail. */
export function writeRaw(socket: Writable, { status, headers, body }: Whole): void {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`];
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  lines.push(`Content-Length: ${body.length}`, "Connection: close", "", "");
  socket.write(Buffer.concat([Buffer.from(lines.join("\r\n"), "latin1"), body]));
}

/** The same as the connection's end. What still comes is read, unused; a client that does not close its side is not waited for. */
export function writeLast(socket: Duplex, reply: Whole): void {
  writeRaw(socket, reply);
  socket.end();
  socket.resume();
  const tooLong = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(tooLong));
}
