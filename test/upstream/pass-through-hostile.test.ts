import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { storeFile } from "../e2e/store-file.ts";
import type { StoreFile } from "../e2e/store-file.ts";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import type { RawUpstream } from "./raw-upstream.ts";
import { inShort, tellingOf } from "./told.ts";

/** Bytes to answer with, or what to do with a connection on which a request has arrived. */
type Act = string | ((socket: Socket) => void);
type Row = [behaviour: string, act: Act, clientIsTold: string, request?: string];

const OK = "HTTP/1.1 200 OK\r\n";
const GET = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
const HEAD = GET.replace("GET", "HEAD");
const POST = `${GET.replace("GET", "POST").slice(0, -2)}Content-Length: 2\r\n\r\nhi`;

/** Writes, and once that has left ends the connection so. */
const saying =
  (text: string, then: "end" | "resetAndDestroy"): Act =>
  (socket) => {
    socket.write(text, "latin1", () => setImmediate(() => socket[then]()));
  };
/** Writes a piece of it whenever the last one has left, for as long as it is read. */
const endlessly =
  (start: string, piece: string): Act =>
  (socket) => {
    socket.write(start, "latin1");
    const more = (): void => void (socket.writable && socket.write(piece, "latin1", () => setImmediate(more)));
    more();
  };
const dripping: Act = (socket) => {
  const drip = setInterval(() => socket.write("x"), 50);
  socket.write(`${OK}X-Long: `);
  socket.once("close", () => clearInterval(drip));
};
const lines = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: 1\r\n`).join("");

const NO_ANSWER: Row[] = [
  ["closes without a byte", (socket) => socket.end(), "502 outcome-unknown"],
  ["resets without a byte", (socket) => socket.resetAndDestroy(), "502 outcome-unknown"],
  [
    "resets without a byte, asked to change something",
    (socket) => socket.resetAndDestroy(),
    "502 outcome-unknown",
    POST,
  ],
  ["is silent", () => {}, "504 outcome-unknown"],
  ["is silent behind half a head", `${OK}Content-`, "504 outcome-unknown"],
  ["drips a head without an end", dripping, "504 outcome-unknown"],
  [
    "sends interim answers without an end",
    endlessly("", "HTTP/1.1 102 P\r\n\r\n".repeat(100)),
    "502 outcome-unknown",
    GET.replace("1.1", "1.0"),
  ],
];

const HEADS: Row[] = [
  ["speaks another protocol", "SSH-2.0-OpenSSH_9.6\r\n", "502 outcome-unknown"],
  ["has a status that is none", "HTTP/1.1 2x0 OK\r\n\r\n", "502 outcome-unknown"],
  ["has status 000", "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", "502 outcome-unknown"],
  ["has status 1000", "HTTP/1.1 1000 OK\r\nContent-Length: 0\r\n\r\n", "502 outcome-unknown"],
  ["has version 2.0", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "200 ok"],
  [
    "takes an upgrade nobody offered",
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    "502 outcome-unknown",
  ],
  ["mentions an upgrade in a 200", `${OK}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok`, "200 ok"],
  [
    "has a control character in its reason",
    "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok",
    "502 outcome-unknown",
  ],
  ["has a NUL in a header", `${OK}X-A: \0\r\nContent-Length: 2\r\n\r\nok`, "502 outcome-unknown"],
  ["has a header without a colon", `${OK}Nonsense\r\nContent-Length: 2\r\n\r\nok`, "502 outcome-unknown"],
  ["has a space before a colon", `${OK}X-A : 1\r\nContent-Length: 2\r\n\r\nok`, "502 outcome-unknown"],
  ["folds a header", `${OK}X-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok`, "502 outcome-unknown"],
  ["ends lines with a bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "502 outcome-unknown"],
  ["has a header of 40 KB", `${OK}X-Long: ${"x".repeat(40_000)}\r\nContent-Length: 2\r\n\r\nok`, "200 ok"],
  [
    "has a head above 64 KB",
    `${OK}X-Long: ${"x".repeat(70_000)}\r\nContent-Length: 2\r\n\r\nok`,
    "502 outcome-unknown",
  ],
  ["has a head without an end", endlessly(OK, `X-A: ${"x".repeat(1_000)}\r\n`), "502 outcome-unknown"],
  ["has 900 header lines", `${OK}${lines(900)}Content-Length: 2\r\n\r\nok`, "200 ok"],
  [
    "has 2,000 header lines, its length the last",
    `${OK}${lines(2_000)}Content-Length: 2\r\n\r\nok`,
    "502 outcome-unknown",
  ],
];

const FRAMING: Row[] = [
  ["has two lengths", `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`, "502 outcome-unknown"],
  ["has a length that is none", `${OK}Content-Length: two\r\n\r\nok`, "502 outcome-unknown"],
  [
    "has a length and chunks",
    `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    "502 outcome-unknown",
  ],
  [
    "has a coding nobody asked for",
    `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    "502 outcome-unknown",
  ],
  [
    "has a coding that is not chunked",
    `${OK}Transfer-Encoding: gzip\r\nConnection: close\r\n\r\nok`,
    "502 outcome-unknown",
  ],
  ["announces trailers beside a length", `${OK}Trailer: X-T\r\nContent-Length: 2\r\n\r\nok`, "200 ok"],
  ["has chunk extensions", `${OK}Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0;c\r\n\r\n`, "200 ok"],
  [
    "has chunk extensions without an end",
    endlessly(`${OK}Transfer-Encoding: chunked\r\n\r\n2;`, "a".repeat(1_000)),
    "RST",
  ],
  ["has a chunk size that is none", `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n`, "RST"],
  [
    "has trailers without an end",
    endlessly(`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n`, `X-A: ${"x".repeat(1_000)}\r\n`),
    "RST",
  ],
  ["answers HEAD with a length", `${OK}Content-Length: 9\r\n\r\n`, "200", HEAD],
  ["answers HEAD with a body", `${OK}Content-Length: 2\r\n\r\nok`, "200", HEAD],
  ["has a body behind 204", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", "204"],
  ["has a body behind 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok", "304"],
  ["sends more than its length", `${OK}Content-Length: 2\r\n\r\nok and more`, "200 ok"],
  ["sends two answers at once", `${OK}Content-Length: 2\r\n\r\nok${OK}Content-Length: 5\r\n\r\nother`, "200 ok"],
  ["answers by HTTP/1.0 until it closes", saying("HTTP/1.0 200 OK\r\n\r\nok", "end"), "200 ok (until it closed)"],
];

const BODIES: Row[] = [
  ["closes before its length is over", saying(`${OK}Content-Length: 9\r\n\r\nabc`, "end"), "RST"],
  ["resets before its length is over", saying(`${OK}Content-Length: 9\r\n\r\nabc`, "resetAndDestroy"), "RST"],
  ["closes before its last chunk", saying(`${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`, "end"), "RST"],
  [
    "resets before its last chunk",
    saying(`${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`, "resetAndDestroy"),
    "RST",
  ],
  ["resets a body without a length", saying(`${OK}\r\nabc`, "resetAndDestroy"), "RST"],
  ["is silent before its length is over", `${OK}Content-Length: 9\r\n\r\nabc`, "RST"],
  ["is silent before its last chunk", `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`, "RST"],
];

let act: Act = "";
let upstream: RawUpstream;
let store: StoreFile;
let gateway: GatewayProcess;
beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    if (typeof act === "string") socket.write(act, "latin1");
    else act(socket);
  });
  store = storeFile();
  gateway = await startGatewayProcess({
    ONCEGATE_UPSTREAM_URL: upstream.url.href,
    ONCEGATE_STORE: store.url,
    ONCEGATE_UPSTREAM_TIMEOUT: "1s",
  });
});
afterAll(async () => {
  await gateway.kill();
  await upstream.close();
  store.remove();
});

describe.each([
  ["that does not answer", NO_ANSWER],
  ["whose head is wrong or long", HEADS],
  ["whose framing is wrong or rare", FRAMING],
  ["that breaks off", BODIES],
])("an upstream %s:", (_kind, rows) => {
  test.each(rows)("one that %s", async (_behaviour, how, expected, request = GET) => {
    act = how;
    const before = upstream.requests.length;
    expect(inShort(await tellingOf(gateway.url, request))).toBe(expected);
    expect(upstream.requests.length - before).toBe(1);
  });
});

test("after all that the process runs on, and has said nothing of errors or warnings", async () => {
  const { status } = await fetch(`${gateway.adminUrl}/ready`);
  expect(status).toBe(200);
  const unknown = gateway.lines.filter(({ outcome }) => outcome === "outcome-unknown");
  expect(unknown.length).toBeGreaterThan(10);
  for (const line of unknown) expect(line).toHaveProperty("why", expect.stringMatching(/no usable answer came back/));
  expect(gateway.text()).not.toMatch(/warning|"level":"(error|fatal)"|^[^{]/im);
});
