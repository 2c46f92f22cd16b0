import { afterEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { answersIn, openRaw, rawPost, wholeAnswer } from "../e2e/raw-bytes.ts";
import type { RawConnection } from "../e2e/raw-bytes.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { freePort } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import type { RawUpstream } from "./raw-upstream.ts";

let upstream: RawUpstream | undefined;
let gateway: OpenGateway | undefined;
let client: RawConnection | undefined;
afterEach(async () => {
  client?.socket.destroy();
  await gateway?.close();
  await upstream?.close();
});

/** A client that has sent `request` to a gateway in front of an upstream that acts so. */
async function open(act: (socket: Socket) => void, request: string): Promise<RawConnection> {
  upstream = await startRawUpstream(act);
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href });
  return ask(request);
}
async function ask(request: string): Promise<RawConnection> {
  client = await openRaw(gateway!.url);
  client.send(request);
  return client;
}
const GET = "GET /invoices HTTP/1.1\r\nHost: h\r\n\r\n";
const answerTo = (connection: RawConnection) => until("an answer", () => wholeAnswer(connection.received()));
/** Answers and, once it is written, ends the connection. */
const answerAnd = (text: string, then: "end" | "resetAndDestroy") => (socket: Socket) => {
  socket.write(text, "latin1", () => setImmediate(() => socket[then]()));
};

describe("the head of an answer", () => {
  test("passes without what is about the upstream's connection, and nothing is added but Via", async () => {
    const hop =
      "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nTrailer: X-T\r\n";
    const text = `HTTP/1.1 200 Fine\r\nX-A: 1\r\n${hop}x-a: 2\r\nContent-Length: 2\r\n\r\nok`;
    const { head, body } = await answerTo(await open((socket) => socket.write(text), GET));
    const lines = head.split("\r\n").filter((line) => !/^(connection: keep-alive|keep-alive: timeout=75)$/i.test(line));
    expect([lines, body]).toEqual([
      ["HTTP/1.1 200 Fine", "X-A: 1", "x-a: 2", "Content-Length: 2", "Via: 1.1 oncegate"],
      "ok",
    ]);
  });

  test("passes before there is a body, as events that come later need it", async () => {
    const text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    const connection = await open((socket) => socket.write(text), GET);
    await until("the head", () => connection.received().includes("\r\n\r\n"));
    expect(connection.received()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test("that no HTTP allows is a 502 problem", async () => {
    const { status, body } = await answerTo(await open((socket) => socket.write("HTTP/1.1 2x0 OK\r\n\r\n"), GET));
    expect([status, JSON.parse(body)]).toMatchObject([502, { code: "outcome-unknown" }]);
  });

  test("that takes an upgrade nobody offered is a 502 problem, and that connection is closed", async () => {
    const text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    const { status, body } = await answerTo(await open((socket) => socket.write(text), GET));
    expect([status, JSON.parse(body)]).toMatchObject([502, { code: "outcome-unknown" }]);
    await until("no connection is left upstream", () => upstream?.openSockets() === 0);
  });
});

test.each([
  ["by its length and reset", "Content-Length: 9\r\n\r\nabc", "resetAndDestroy"],
  ["by its length and closed", "Content-Length: 9\r\n\r\nabc", "end"],
  ["in chunks and reset", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "resetAndDestroy"],
  ["in chunks and closed", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "end"],
] as const)("an answer that is cut %s is reset, never whole", async (_how, rest, then) => {
  const connection = await open(answerAnd(`HTTP/1.1 200 OK\r\n${rest}`, then), GET);
  expect(await connection.ended).toBe("RST");
  expect(connection.received()).not.toMatch(/\r\n0\r\n\r\n/);
});

test("an idle connection to the upstream is closed before the upstream would close it", async () => {
  const ok = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60\r\nContent-Length: 2\r\n\r\nok";
  const connection = await open((socket) => socket.write(ok), GET);
  for (const request of [GET, rawPost(["Idempotency-Key: k", "Content-Length: 0"])]) {
    await answerTo(connection);
    await until("no connection is left upstream", () => upstream?.openSockets() === 0);
    const answered = answersIn(connection.received()).length;
    connection.send(request);
    await until("the next answer", () => answersIn(connection.received()).length > answered);
  }
  await until("no connection is left upstream", () => upstream?.openSockets() === 0);
  expect(upstream?.connections).toBe(3);
});

describe("a WebSocket", () => {
  const OFFER = `${GET.slice(0, -2)}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a2V5\r\n\r\n`;
  const TAKEN = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

  test("passes in both directions, and ends upstream when its client leaves", async () => {
    const connection = await open((socket) => {
      socket.removeAllListeners("data").on("data", (bytes) => socket.write(`heard ${bytes.toString()}`));
      socket.write(TAKEN);
    }, OFFER);
    await until("the upgrade", () => connection.received().includes("\r\n\r\n"));
    expect(connection.received()).toMatch(/^HTTP\/1\.1 101 /);
    connection.send("hello");
    await until("an echo", () => connection.received().endsWith("heard hello"));
    const offered = upstream!.requests[0]!.toLowerCase();
    expect(offered).toMatch(/\r\nconnection: upgrade\r\n/);
    expect(offered).toMatch(/\r\nupgrade: websocket\r\n/);
    expect(offered).toMatch(/\r\nsec-websocket-key: a2v5\r\n/);
    connection.socket.destroy();
    await until("no connection is left upstream", () => upstream?.openSockets() === 0);
  });

  test("is the only upgrade that is taken: a request that offers another is answered as it is", async () => {
    const offer = `${GET.slice(0, -2)}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`;
    const connection = await open((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), offer);
    expect(await answerTo(connection)).toMatchObject({ status: 200, body: "ok" });
    expect(upstream?.requests[0]).not.toMatch(/upgrade|http2-settings/i);
  });

  test("to an upstream that is away is a 503 problem", async () => {
    gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${await freePort()}` });
    const connection = await ask(OFFER);
    const { status, body } = await answerTo(connection);
    expect([status, JSON.parse(body)]).toMatchObject([503, { code: "upstream-unreachable" }]);
    expect(await connection.ended).toBe("FIN");
  });
});
