import { afterEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { openRaw } from "../e2e/raw-bytes.ts";
import type { RawConnection } from "../e2e/raw-bytes.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { freePort } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import type { RawUpstream } from "./raw-upstream.ts";
import { inShort, told } from "./told.ts";

let upstream: RawUpstream | undefined;
let gateway: OpenGateway | undefined;
let client: RawConnection | undefined;
afterEach(async () => {
  client?.socket.destroy();
  await gateway?.close();
  await upstream?.close();
  upstream = undefined;
});

const GET = "GET /events HTTP/1.1\r\nHost: h\r\n";
const OFFER = `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a2V5\r\n\r\n`;
const TAKEN = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";

/** A client that has offered a WebSocket to a gateway in front of an upstream that acts so. */
async function offer(act: (socket: Socket) => void, request = OFFER): Promise<RawConnection> {
  upstream = await startRawUpstream(act);
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href, ONCEGATE_UPSTREAM_TIMEOUT: "1s" });
  client = await openRaw(gateway.url);
  client.send(request);
  return client;
}
/** The same where the upstream takes it; resolves to the upstream's socket, too. */
async function open(allowHalfOpen = false): Promise<{ connection: RawConnection; far: Socket; heard: () => string }> {
  let far: Socket | undefined;
  let heard = "";
  const connection = await offer((socket) => {
    far = socket;
    socket.allowHalfOpen = allowHalfOpen;
    socket.removeAllListeners("data").on("data", (bytes) => (heard += bytes.toString()));
    socket.write(`${TAKEN}\r\n`);
  });
  await until("the upgrade", () => connection.received().includes("\r\n\r\n"));
  return { connection, far: far!, heard: () => heard };
}
const untilNoneIsLeft = () => until("no connection is left upstream", () => upstream?.openSockets() === 0);
const received = (what: string) => until(what, () => client!.received().endsWith(what));

describe("a WebSocket that is taken", () => {
  test("passes in both directions, and ends upstream when its client leaves", async () => {
    const { connection, far, heard } = await open();
    connection.send("hello");
    await until("hello", () => heard() === "hello");
    far.write("heard");
    await received("heard");
    const offered = upstream!.requests[0]!.toLowerCase();
    expect(offered.match(/\r\n(connection|upgrade|sec-websocket-key|via): [^\r]*/g)).toEqual([
      "\r\nsec-websocket-key: a2v5",
      expect.stringMatching(/^\r\nvia: 1\.1 oncegate-\w{8}$/),
      "\r\nconnection: upgrade",
      "\r\nupgrade: websocket",
    ]);
    connection.socket.destroy();
    await untilNoneIsLeft();
  });

  test("has the upstream's head as it was, with Via, and what came right behind it", async () => {
    const head = `${TAKEN}X-Name: Jos\xe9\r\nSec-WebSocket-Accept: YQ==\r\nKeep-Alive: timeout=5\r\n\r\nfirst`;
    await offer((socket) => socket.write(head, "latin1"));
    await received("first");
    expect(client!.received().split("\r\n")).toEqual([
      "HTTP/1.1 101 Switching Protocols",
      "X-Name: Jos\xe9",
      "Sec-WebSocket-Accept: YQ==",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Via: 1.1 oncegate",
      "",
      "first",
    ]);
  });

  test("may be silent for longer than an answer may", async () => {
    const { far } = await open();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    far.write("still there");
    await received("still there");
    expect(upstream?.openSockets()).toBe(1);
  });

  test.each(["client", "upstream"])("goes on for the other side when the %s has ended its sending", async (first) => {
    const { connection, far, heard } = await open(true);
    if (first === "client") {
      connection.socket.end();
      await until("the end is heard", () => far.readableEnded);
      far.end("and goodbye");
      await received("and goodbye");
    } else {
      connection.socket.removeAllListeners("end"); // or this client would end, too
      far.end("last");
      await received("last");
      connection.send("and goodbye");
      await until("goodbye is heard", () => heard() === "and goodbye");
      connection.socket.end();
    }
    expect(connection.socket.errored).toBeNull();
    await untilNoneIsLeft();
  });

  test("is reset for the client when the upstream resets it, with nothing written into it", async () => {
    const { connection, far } = await open();
    const before = connection.received();
    far.resetAndDestroy();
    expect(await connection.ended).toBe("RST");
    expect(connection.received()).toBe(before);
  });

  test("is reset for the upstream when the client resets it", async () => {
    const { connection, far } = await open();
    const ended = new Promise((resolve) => far.once("error", resolve));
    connection.socket.resetAndDestroy();
    expect(await ended).toMatchObject({ code: "ECONNRESET" });
  });

  test("ends when the gateway does", async () => {
    const { connection } = await open();
    await gateway!.close();
    gateway = undefined;
    await connection.ended;
    await untilNoneIsLeft();
    expect(upstream?.requests).toHaveLength(1);
  });
});

describe("a WebSocket that is not taken", () => {
  const length = "Content-Length: 6\r\n\r\n";
  test.each([
    ["401 with a body", `HTTP/1.1 401 No\r\nX-A: 1\r\n${length}log in`, "401 log in"],
    [
      "a body in chunks",
      "HTTP/1.1 426 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nlog\r\n3\r\n in\r\n0\r\n\r\n",
      "426 log in",
    ],
    ["204", "HTTP/1.1 204 No\r\n\r\n", "204"],
    ["103 and then 403", `HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 403 No\r\n${length}log in`, "403 log in"],
    ["a head that no HTTP allows", "HTTP/1.1 4x1 No\r\n\r\n", "502 outcome-unknown"],
    ["a coding nobody asked for", "HTTP/1.1 401 No\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "502 outcome-unknown"],
    ["a silence", "", "504 outcome-unknown"],
    ["a body that falls silent", `HTTP/1.1 401 No\r\n${length}log`, "RST"],
  ])("is answered as the upstream does: %s", async (_what, answer, expected) => {
    const connection = await offer((socket) => socket.write(answer));
    expect(inShort(await told(connection))).toBe(expected);
    await untilNoneIsLeft();
  });

  test.each([
    ["closes", "", "end", "502 outcome-unknown"],
    ["resets", "", "resetAndDestroy", "502 outcome-unknown"],
    ["closes in the middle of a body", `HTTP/1.1 401 No\r\n${length}log`, "end", "RST"],
    ["resets in the middle of a body", `HTTP/1.1 401 No\r\n${length}log`, "resetAndDestroy", "RST"],
  ] as const)("by an upstream that %s", async (_how, text, then, expected) => {
    const connection = await offer((socket) => socket.write(text, () => setImmediate(() => socket[then]())));
    expect(inShort(await told(connection))).toBe(expected);
  });

  test("keeps the head of that answer as it was, with Via", async () => {
    const head =
      "HTTP/1.1 401 Nein\r\nX-A: Jos\xe9\r\nx-a: 2\r\nDate: then\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n";
    const { answer } = await told(await offer((socket) => socket.write(head, "latin1")));
    const lines = [
      "X-A: Jos\xe9",
      "x-a: 2",
      "Date: then",
      "Content-Length: 0",
      "Via: 1.1 oncegate",
      "Connection: close",
    ];
    expect(answer).toMatchObject({ statusLine: "HTTP/1.1 401 Nein", lines });
  });

  test("because the upstream is away is a 503 problem", async () => {
    gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${await freePort()}` });
    client = await openRaw(gateway.url);
    client.send(OFFER);
    expect(inShort(await told(client))).toBe("503 upstream-unreachable");
  });

  test.each(["end", "resetAndDestroy"] as const)(
    "is not asked for any more when its client leaves (%s)",
    async (how) => {
      const connection = await offer(() => {});
      await until("the offer is upstream", () => upstream?.requests.length === 1);
      connection.socket[how]();
      await untilNoneIsLeft();
      expect(gateway!.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
    },
  );

  test("because it is another upgrade: the request is answered as it is", async () => {
    const other = `${GET}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`;
    const connection = await offer((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), other);
    await received("ok");
    expect(connection.received()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(upstream?.requests[0]).not.toMatch(/upgrade|http2-settings/i);
  });

  test("because an answer is still to come on its connection, which ends behind that answer", async () => {
    const held: Socket[] = [];
    const connection = await offer((socket) => held.push(socket), `${GET}\r\n${OFFER}`);
    await until("the first is upstream", () => held.length === 1);
    held[0]!.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n#0");
    expect(await connection.ended).toBe("FIN");
    expect(connection.received()).toMatch(/#0$/);
    expect(upstream?.requests).toHaveLength(1);
  });
});
