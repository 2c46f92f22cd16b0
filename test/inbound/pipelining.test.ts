import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { once } from "node:events";
import { connect } from "node:net";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "../upstream/raw-upstream.ts";
import type { RawUpstream } from "../upstream/raw-upstream.ts";

let upstream: RawUpstream;
let gateway: OpenGateway;
const answers: (() => void)[] = [];
beforeEach(async () => {
  answers.length = 0;
  upstream = await startRawUpstream((socket, request) => {
    const body = request.slice(0, request.indexOf(" HTTP"));
    answers.push(() => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
  });
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const post = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nIdempotency-Key: ${path}\r\nContent-Length: 0\r\n\r\n`;
const open = (bytes: string) => {
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1", () => socket.write(bytes));
  let received = "";
  socket.on("data", (chunk) => (received += chunk.toString()));
  return { socket, received: () => received };
};
const inFlight = async (): Promise<string | undefined> =>
  /^oncegate_in_flight (\d+)/m.exec(await (await fetch(`${gateway.adminUrl}/metrics`)).text())?.[1];

test("requests sent one behind the other are answered in order, whichever ends first", async () => {
  const { socket, received } = open(post("/1") + post("/2"));
  await until("both at the upstream", () => answers.length === 2);
  answers[1]!();
  answers[0]!();
  await until("both answers", () => received().includes("POST /2"));
  expect(received().match(/POST \/\d/g)).toEqual(["POST /1", "POST /2"]);
  socket.destroy();
});

test("a connection that is gone before a later request's turn leaves nothing behind", async () => {
  const { socket } = open(post("/1") + post("/2"));
  await until("both at the upstream", () => answers.length === 2);
  expect(await inFlight()).toBe("2");
  socket.destroy();
  for (const answer of answers) answer();
  await until("both are over", async () => (await inFlight()) === "0");
  expect(gateway.lines.filter((line) => line.includes('"outcome":"completed"'))).toHaveLength(2);
});

const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => post(`/${from + i}`)).join("");

test("a connection has 32 requests unanswered at most: the next one is refused, and is its last", async () => {
  const { socket, received } = open(numbered(1, 40));
  await until("the first are at the upstream", () => answers.length >= 32);
  for (const answer of answers) answer();
  await once(socket, "close");
  const statuses = received().match(/HTTP\/1\.1 \d+/g);
  expect(statuses).toEqual([...Array.from({ length: 32 }, () => "HTTP/1.1 200"), "HTTP/1.1 503"]);
  expect(received()).toMatch(/"code":"overloaded"/);
  expect(upstream.requests).toHaveLength(32);
  expect(await inFlight()).toBe("0");
});

test("whoever goes on sending behind its last answer is cut off, and what runs is stored", async () => {
  const { socket } = open(numbered(1, 32));
  await until("the first are at the upstream", () => answers.length === 32);
  const cut = new Promise((resolve) => socket.once("error", resolve));
  socket.write(numbered(33, 100));
  expect(await cut).toMatchObject({ code: "ECONNRESET" });
  for (const answer of answers) answer();
  await until("they are over", async () => (await inFlight()) === "0");
  expect(gateway.lines.filter((line) => line.includes('"outcome":"completed"'))).toHaveLength(32);
});

test("what is malformed behind a request does not take the place of its answer", async () => {
  const { socket, received } = open(`${post("/1")}NOT HTTP\r\n\r\n`);
  await until("it is at the upstream", () => answers.length === 1);
  answers[0]!();
  await new Promise((resolve) => socket.once("close", resolve));
  expect(received()).toMatch(/^HTTP\/1\.1 200 /);
  expect(received()).not.toContain("bad-request");
});

test("what is behind a refused request is not looked at, and what is before it gets its answer", async () => {
  const refused = post("/2").replace("Host: h", "Host: h\r\nHost: other");
  const { socket, received } = open(post("/1") + refused + post("/3") + post("/4"));
  await until("the first is at the upstream", () => answers.length === 1);
  answers[0]!();
  await new Promise((resolve) => socket.once("close", resolve));
  expect(received().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
  expect(upstream.requests).toHaveLength(1);
  expect(await inFlight()).toBe("0");
});

test.each([
  ["an upgrade to WebSocket", "GET /socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  ["CONNECT", "CONNECT api:443 HTTP/1.1\r\nHost: h\r\n\r\n"],
])("%s behind another request is not looked at, refused or not", async (_what, behind) => {
  const held = open(post("/1") + behind);
  await until("the first is at the upstream", () => answers.length === 1);
  answers[0]!();
  const refused = open(post("/2").replace("Host: h", "Host: h\r\nHost: other") + behind);
  for (const { socket } of [held, refused]) if (!socket.closed) await once(socket, "close");
  expect(held.received().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
  expect(refused.received().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
  expect(upstream.requests).toHaveLength(1);

  const leaving = open(post("/3") + behind);
  await until("it is at the upstream", () => answers.length === 2);
  leaving.socket.resetAndDestroy(); // Node has let go of the connection by now, and hears no error of it
  await once(leaving.socket, "close");
  answers[1]!();
  await until("nothing is left of it", async () => (await inFlight()) === "0");
});

test("a POST that offers an upgrade is the operation it is", async () => {
  const offer = post("/1").replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const { socket, received } = open(offer);
  await until("it is at the upstream", () => answers.length === 1);
  answers[0]!();
  await until("its answer", () => received().includes("POST /1"));
  expect(upstream.requests[0]).not.toMatch(/upgrade/i);
  expect(gateway.lines.some((line) => line.includes('"outcome":"completed"'))).toBe(true);
  socket.destroy();
});

test("what is malformed and behind no request is refused, counted and logged by its requestId", async () => {
  const { socket, received } = open("NOT HTTP\r\n\r\n");
  await new Promise((resolve) => socket.once("close", resolve));
  expect(received()).toMatch(/^HTTP\/1\.1 400 /);
  const { requestId } = JSON.parse(received().slice(received().indexOf("\r\n\r\n"))) as { requestId: string };
  const line = await until("its line", () => gateway.lines.find((text) => text.includes(requestId)));
  expect(JSON.parse(line)).toMatchObject({ status: 400, outcome: "bad-request" });
  expect(await inFlight()).toBe("0");
});
