import { once } from "node:events";
import { connect, type Socket } from "node:net";

export type Exchange = {
  readonly received: Buffer;
  readonly head: string;
  readonly body: Buffer;
  readonly end: "FIN" | "RST";
};

// Far above what any answer here takes, and below the test's own limit: a silent server is told by name.
const SILENCE_MS = 20_000;

/** One line each, in this order and spelling; a name whose value is a list stands that many times. Latin-1. */
type HeaderLines = Readonly<Record<string, string | readonly string[]>>;

export async function openRequest(
  port: number,
  path: string,
  headers: HeaderLines,
  body: string | Buffer = "",
  method = "POST",
): Promise<Socket> {
  const lines = Object.entries({ host: "sample", "content-length": String(Buffer.byteLength(body)), ...headers })
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}\r\n`))
    .join("");
  const socket = connect({ host: "127.0.0.1", port });
  await once(socket, "connect");
  // Not end(): Node's server answers a half-closed connection by closing it.
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}\r\n`, "latin1");
  socket.write(Buffer.concat([head, Buffer.from(body)]));
  return socket;
}

/** The answer as bytes, and how the server ended the connection. */
export async function exchange(...request: Parameters<typeof openRequest>): Promise<Exchange> {
  const [port, path, headers, ...rest] = request;
  const socket = await openRequest(port, path, { connection: "close", ...headers }, ...rest);
  socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`no answer within ${SILENCE_MS} ms`)));
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  const end = await new Promise<Exchange["end"]>((resolve, reject) => {
    socket.once("end", () => resolve("FIN"));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") resolve("RST");
      else reject(error);
    });
  });
  socket.destroy();
  const received = Buffer.concat(parts);
  const border = received.indexOf("\r\n\r\n");
  return {
    received,
    head: received.subarray(0, Math.max(border, 0)).toString("latin1"),
    body: received.subarray(border < 0 ? 0 : border + 4),
    end,
  };
}

/** Leaves with a FIN behind the request, so that the server has surely read the request when it sees the end. */
export async function leave(socket: Socket): Promise<void> {
  socket.destroySoon();
  if (!socket.closed) await once(socket, "close");
}
