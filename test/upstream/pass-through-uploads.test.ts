import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { openRaw } from "../e2e/raw-bytes.ts";
import type { RawConnection } from "../e2e/raw-bytes.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";
import { inShort, told } from "./told.ts";

/** More than is ever sent here. */
const LARGE = 1e12;
const PIECE = "x".repeat(65_536);

let far: Socket | undefined;
let received = "";
let act: (socket: Socket) => void;
const server = createServer((socket) => {
  far = socket;
  socket.on("error", () => {}).on("data", (bytes) => (received += bytes.toString("latin1")));
  act(socket);
});
let gateway: OpenGateway;
let client: RawConnection;
beforeAll(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
  gateway = await openGateway({
    ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ONCEGATE_UPSTREAM_TIMEOUT: "2s",
  });
});
afterAll(async () => {
  await gateway.close();
  server.close();
  await once(server, "close");
});
beforeEach(async () => {
  [act, far, received] = [() => {}, undefined, ""];
  client = await openRaw(gateway.url);
});
afterEach(() => {
  client.socket.destroy();
  far?.destroy();
});

const head = (length: number, method = "POST") =>
  `${method} /up HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
const CHUNKED = (method: string) =>
  `${method} /up HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n`;
const onHead = (then: (socket: Socket) => void) => (socket: Socket) => void socket.once("data", () => then(socket));
const TOO_LARGE = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig";

/** Sends pieces, no faster than they are taken, until it is answered or the connection is gone. */
async function upload(): Promise<void> {
  const { socket } = client;
  while (!socket.destroyed && !client.received().includes("\r\n\r\n"))
    if (!socket.write(PIECE)) await Promise.race([once(socket, "drain"), client.ended]).catch(() => {});
}

describe("an upload", () => {
  test("has its head upstream before its body is sent", async () => {
    client.send(head(2));
    await until("the head", () => received.endsWith("\r\n\r\n"));
    client.send("hi");
    await until("the body", () => received.endsWith("\r\n\r\nhi"));
    far!.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(inShort(await told(client))).toBe("200 ok");
  });

  test("may take longer than the limit on silence, as long as it moves", async () => {
    client.send(head(5));
    for (const piece of "slow!") {
      await new Promise((resolve) => setTimeout(resolve, 600));
      client.send(piece);
    }
    await until("the body", () => received.endsWith("slow!"));
    far!.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(inShort(await told(client))).toBe("200 ok");
  });

  test.each(["GET", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"])(
    "in chunks and its trailers pass with %s",
    async (method) => {
      client.send(`${CHUNKED(method)}Trailer: X-Sum\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Sum: caf\xe9\r\nHost: evil\r\n\r\n`);
      await until("the end of it", () => received.includes("\r\n0\r\n"));
      expect(received.slice(received.indexOf("\r\n\r\n"))).toBe("\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: caf\xe9\r\n\r\n");
      expect(received).toMatch(/\r\ntransfer-encoding: chunked\r\n/i);
      far!.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      expect(inShort(await told(client))).toBe("200 ok");
    },
  );

  test("that its client breaks off is broken off upstream, never whole", async () => {
    client.send(`${CHUNKED("POST")}\r\n3\r\nabc\r\n`);
    await until("a part", () => received.endsWith("abc\r\n"));
    const closed = once(far!, "close");
    client.socket.destroy();
    await closed;
    expect(received).not.toMatch(/\r\n0\r\n/);
  });
});

describe("an answer that comes before the upload is over", () => {
  test("may be silent for longer than the limit while the upload moves", async () => {
    act = onHead((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"));
    client.send(head(7));
    for (const piece of "slower!") {
      await new Promise((resolve) => setTimeout(resolve, 600));
      client.send(piece);
    }
    await until("the body", () => received.endsWith("slower!"));
    far!.end("k");
    expect(inShort(await told(client))).toBe("200 ok");
  });

  test("reaches the client, whose upload goes on to nowhere when the upstream reads no more", async () => {
    act = onHead((socket) => socket.pause().end(TOO_LARGE));
    client.send(head(LARGE));
    const [answer] = await Promise.all([told(client), upload()]);
    expect(inShort(answer)).toBe("413 big");
  });

  test("reaches the client although the upstream goes on reading", async () => {
    act = onHead((socket) => socket.write(TOO_LARGE));
    client.send(head(LARGE));
    const [answer] = await Promise.all([told(client), upload()]);
    expect(inShort(answer)).toBe("413 big");
  });

  test("is cut as the upstream cuts it", async () => {
    act = onHead((socket) => socket.write(TOO_LARGE.slice(0, -1), () => setImmediate(() => socket.resetAndDestroy())));
    client.send(head(LARGE));
    const [answer] = await Promise.all([told(client), upload()]);
    expect(["RST", "502 outcome-unknown"]).toContain(inShort(answer)); // as the reset overtakes what was read or not
  });
});

describe("an upstream that does not take the upload", () => {
  test.each([
    ["by reading nothing", (socket: Socket) => socket.pause(), "504 outcome-unknown"],
    ["by closing", (socket: Socket) => socket.end(), "502 outcome-unknown"],
    ["by a reset", (socket: Socket) => socket.resetAndDestroy(), "502 outcome-unknown"],
  ] as const)("%s is told to the client, who still sends", async (_how, how, expected) => {
    act = onHead(how);
    client.send(head(LARGE));
    const [answer] = await Promise.all([told(client), upload()]);
    expect(inShort(answer)).toBe(expected);
  });
});
