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

/** So often within the limit is looked whether anything moves: a listener for each piece made every request a fifth dearer. */
const LOOKS = 4;

/**
 * Ends a request with SILENT: where the final head is not there `ms` after the last piece of the upload (interim answers and
 * parts of a head do not count), or nothing of either body moves for as long, and at most a quarter longer. An upload may take its
 * time as long as it moves, and server-sent events may be silent as long as their client stays.
 */
export function limitSilence(sent: ClientRequest, ms: number): void {
  let answer: IncomingMessage | undefined;
  let [moved, still] = [-1, 0];
  const timer = setTimeout(() => {
    const before = moved;
    moved = (sent.socket?.bytesWritten ?? 0) + (answer?.socket.bytesRead ?? 0);
    still = moved === before ? still + 1 : 0;
    if (still === LOOKS) end(sent, SILENT);
    else timer.refresh();
  }, ms / LOOKS);
  sent.once("response", (message) => {
    if (/^text\/event-stream\b/i.test(message.headers["content-type"] ?? "")) return clearTimeout(timer);
    [answer, moved, still] = [message, -1, 0];
  });
  sent.once("close", () => clearTimeout(timer));
}

function end(sent: ClientRequest, code: string): void {
  sent.destroy(Object.assign(new Error(code), { code }));
}
