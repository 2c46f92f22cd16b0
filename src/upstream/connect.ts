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
/** Of an answer. A longer one would make an operation unknown that was executed. */
export const MAX_HEAD_BYTES = 65_536;

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
      const isTls = options.protocol === "https:";
      const port = options.port === "" ? (isTls ? "443" : "80") : options.port;
      connect({ ...options, port, protocol: "http:" }, (...[error, tcp]) => {
        if (error !== null) return done(error, null);
        const ready = (socket: Socket): void => {
          resetInsteadOfClose(socket, tcp, () => isResetting);
          done(null, socket);
        };
        if (!isTls) return ready(tcp);
        // Without a name undici takes the upstream's; with its own it asks for the certificate of the Host that is sent, the
        // client's where that is preserved.
        connect({ ...options, servername: "", httpSocket: tcp }, (...[refused, secured]) => {
          if (refused !== null) return done(refused, null);
          secured.once("error", () => secured.destroy()); // which Node leaves open when what comes is not TLS
          ready(secured);
        });
      });
    },
  });
  return {
    pool,
    resetting(abort) {
      isResetting = true;
      try {
        abort(); // destroys its socket before it returns
      } finally {
        isResetting = false;
      }
    },
  };
}

/**
 * Node refuses to reset a TLS socket; the connection under it can be. The error must not get lost on the way: without one, undici
 * takes the end of the connection for the end of an answer without a length, and throws where nobody can catch it.
 */
function resetInsteadOfClose(socket: Socket, tcp: Socket, wanted: () => boolean): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error?: Error) => {
    socket.destroy = () => destroy(error); // for the reset, which destroys the socket without saying why
    if (wanted()) tcp.resetAndDestroy();
    return socket.destroy();
  };
}
