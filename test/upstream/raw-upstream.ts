import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** An upstream that answers bytes: `act` is called once for each whole request on a connection. */
export type RawUpstream = {
  url: URL;
  requests: string[];
  connections: number;
  openSockets(): number;
  close(): Promise<void>;
};

export async function startRawUpstream(act: (socket: Socket, request: string) => void): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    upstream.connections++;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      for (;;) {
        const bodyAt = received.indexOf("\r\n\r\n") + 4;
        if (bodyAt < 4) return;
        const length = Number(/content-length: (\d+)/i.exec(received.slice(0, bodyAt))?.[1] ?? 0);
        if (received.length < bodyAt + length) return;
        const request = received.slice(0, bodyAt + length);
        received = received.slice(bodyAt + length);
        upstream.requests.push(request);
        act(socket, request);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const upstream: RawUpstream = {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    requests: [],
    connections: 0,
    openSockets: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return upstream;
}
