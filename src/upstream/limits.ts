import type { ClientRequest, IncomingMessage } from "node:http";

/** The code of the error that limitSilence ends a request with. */
export const SILENT = "UPSTREAM_SILENT";

/**
 * Ends a request whose connection does not stand within `ms`: the library has no limit of its own on that.
 * `onConnected` runs when it stands, TLS included; before that nothing can have left.
 */
export function limitConnecting(sent: ClientRequest, ms: number, onConnected: () => void): void {
  const { socket } = sent;
  if (socket?.connecting !== true) return onConnected();
  const tooLong = setTimeout(() => end(sent, "ETIMEDOUT"), ms);
  socket.once("close", () => clearTimeout(tooLong));
  socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
    clearTimeout(tooLong);
    onConnected();
  });
}

/**
 * Ends a request with SILENT: where the final head is not there `ms` after the last piece of the upload (interim answers and
 * parts of a head do not count), or nothing of the body moves for as long. An upload may take its time as long as it moves, and
 * server-sent events may be silent as long as their client stays.
 */
export function limitSilence(req: IncomingMessage, sent: ClientRequest, ms: number): void {
  const silence = setTimeout(() => end(sent, SILENT), ms);
  const onPiece = (): void => void silence.refresh();
  if (!req.complete) req.on("data", onPiece);
  sent.once("response", (answer) => {
    if (/^text\/event-stream\b/i.test(answer.headers["content-type"] ?? "")) return clearTimeout(silence);
    silence.refresh();
    answer.on("data", onPiece);
  });
  sent.once("close", () => clearTimeout(silence));
}

function end(sent: ClientRequest, code: string): void {
  sent.destroy(Object.assign(new Error(code), { code }));
}
