import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { TLSSocketOptions } from "node:tls";

/** An upstream that answers bytes: `act` is called once for each whole request on a connection. */
export type RawUpstream = {
  url: URL;
  requests: string[];
  connections: number;
  openSockets(): number;
  /** Reads on wherever it had stopped, and so notices what became of the connection. */
  wake(): void;
  close(): Promise<void>;
};

export type RawOptions = {
  /** Done to each connection at once, and to the TCP connection under it where it is a TLS one. */
  greet?: ((tcp: Socket) => void) | undefined;
  tls?: TLSSocketOptions | undefined;
};

export async function startRawUpstream(
  act: (socket: Socket, request: string, tcp: Socket) => void,
  { greet, tls }: RawOptions = {},
): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const server = createServer((tcp) => {
    upstream.connections++;
    sockets.add(tcp);
    tcp.on("error", () => {}).on("close", () => sockets.delete(tcp));
    greet?.(tcp);
    const socket = tls === undefined ? tcp : new TLSSocket(tcp, { isServer: true, ...tls });
    socket.on("error", () => {});
    let received = "";
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      for (;;) {
        const bodyAt = received.indexOf("\r\n\r\n") + 4;
        if (bodyAt < 4) return;
        const length = Number(/content-length: (\d+)/i.exec(received.slice(0, bodyAt))?.[1] ?? 0);
        if (received.length < bodyAt + length) return;
        const request = received.slice(0, bodyAt + length);
        received = received.slice(bodyAt + length);
        upstream.requests.push(request);
        act(socket, request, tcp);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const upstream: RawUpstream = {
    url: new URL(`${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`),
    requests: [],
    connections: 0,
    openSockets: () => sockets.size,
    wake() {
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return upstream;
}
