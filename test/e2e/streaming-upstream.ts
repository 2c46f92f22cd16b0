import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

/**
 * An upstream for large bodies, in a process of its own so that its work and memory are nobody else's. It answers `GET /N` with N
 * bytes of one block, and any other request with how many bytes of body it was sent. Prints its port.
 */
const BLOCK = Buffer.alloc(1_048_576, "oncegate");

const server = createServer((socket) => {
  const write = (left: number): void => {
    if (left === 0) socket.end();
    else if (socket.write(BLOCK.subarray(0, left))) setImmediate(write, left - Math.min(left, BLOCK.length));
    else socket.once("drain", () => write(left - Math.min(left, BLOCK.length)));
  };
  let missing: number | undefined;
  let length = 0;
  socket.on("error", () => process.exit(1));
  socket.on("data", (chunk) => {
    if (missing === undefined) {
      const head = chunk.toString("latin1", 0, chunk.indexOf("\r\n\r\n") + 4);
      const asked = Number(/^GET \/(\d+)/.exec(head)?.[1]);
      if (asked > 0) {
        socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${asked}\r\n\r\n`);
        return write(asked);
      }
      length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      missing = length + head.length;
    }
    missing -= chunk.length;
    if (missing > 0) return;
    const told = String(length - missing);
    socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${told.length}\r\n\r\n${told}`);
  });
}).listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
