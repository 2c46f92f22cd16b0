import type { Socket } from "node:net";
import { Pool, buildConnector } from "undici";

export type UpstreamAddress = {
  url: URL;
  /** PEM text of an own authority. */
  ca: string | undefined;
  connectTimeoutMs: number;
};

/** More at once than an invoicing API serves; what exceeds it waits for a free connection, at most the connect timeout. */
export const CONNECTIONS = 256;
/** Shorter than any upstream's idle limit (gunicorn 2 s, Node 5 s): a request never races with the upstream's closing. */
export const KEEP_ALIVE_MS = 1_000;
/** A longer head would make an operation unknown that was executed. */
const MAX_HEAD_BYTES = 65_536;

/**
 * The connections that operations use. Nothing here may send a request twice by itself: HTTP/2 would after REFUSED_STREAM,
 * pipelining behind a failed answer. Time limits are execute.ts's own, because undici's tick coarsely.
 */
export function connectUpstream({ url, ca, connectTimeoutMs }: UpstreamAddress): {
  pool: Pool;
  /** Runs `abort`, and whatever socket it destroys is reset: after a plain close the kernel may deliver what it still holds. */
  resetting: (abort: () => void) => void;
} {
  const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false, ...(ca === undefined ? {} : { ca }) });
  let isResetting = false;
  const pool = new Pool(url.origin, {
    connections: CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
    connect: (options, done) => {
      connect(options, (...[error, socket]) => {
        if (error !== null) return done(error, null);
        resetInsteadOfClose(socket, () => isResetting);
        done(null, socket);
      });
    },
  });
  return {
    pool,
    resetting(abort) {
      isResetting = true;
      abort(); // destroys its socket before it returns
      isResetting = false;
    },
  };
}

/** TLS sockets cannot be reset from here (Node refuses) and are closed. */
function resetInsteadOfClose(socket: Socket, wanted: () => boolean): void {
  if ("encrypted" in socket) return;
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error?: Error) => {
    if (!wanted()) return destroy(error);
    socket.destroy = destroy;
    return socket.resetAndDestroy();
  };
}
