import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { answersIn, openRaw, rawPost, wholeAnswer } from "../e2e/raw-bytes.ts";
import type { RawConnection } from "../e2e/raw-bytes.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "../upstream/raw-upstream.ts";
import type { RawUpstream } from "../upstream/raw-upstream.ts";

const STALLED_MS = 1_500;
const LIMITS = { headMs: 600, lookMs: 100, idleMs: 600, stalledMs: STALLED_MS };
/** More than the kernel's buffers on both sides take. */
const LARGE = 48 * 1_048_576;

let upstream: RawUpstream;
let gateway: OpenGateway;
let act: (socket: Socket, request: string) => void;
beforeEach(async () => {
  upstream = await startRawUpstream((socket, request) => act(socket, request));
  gateway = await openGateway(
    { ONCEGATE_UPSTREAM_URL: upstream.url.href, ONCEGATE_MAX_STORED_RESPONSE: "64mb" },
    { limits: LIMITS },
  );
  act = (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const GET = "GET /invoices HTTP/1.1\r\nHost: gateway\r\n\r\n";
const KEYED = rawPost(["Idempotency-Key: k", "Content-Length: 0"]);
const inFlight = async (): Promise<string | undefined> =>
  /^oncegate_in_flight (\d+)/m.exec(await (await fetch(`${gateway.adminUrl}/metrics`)).text())?.[1];
const drip = (connection: RawConnection, bytes: string): NodeJS.Timeout =>
  setInterval(() => connection.socket.writable && connection.send(bytes), 50);

describe("a head", () => {
  test.each([
    ["that never ends", "GET /invoices HTTP/1.1\r\nHost: gateway\r\n", "X-A: b\r\n"],
    ["whose line never ends", "GET /", "a"],
    ["that stops", "GET /invoices HT", ""],
  ])("%s is refused in time, in words, and counted", async (_how, start, more) => {
    const client = await openRaw(gateway.url);
    client.send(start);
    const dripping = drip(client, more);
    await client.ended;
    clearInterval(dripping);
    const [answer] = answersIn(client.received());
    expect(JSON.parse(answer?.body ?? "")).toMatchObject({
      status: 400,
      code: "bad-request",
      detail: expect.stringContaining("did not arrive in time"),
    });
    await until("its line", () => gateway.lines.some((line) => line.includes('"outcome":"bad-request"')));
    expect(upstream.connections).toBe(0);
  });

  test("behind another request of its connection is no exception", async () => {
    const client = await openRaw(gateway.url);
    client.send(`${GET}GET /invo`);
    await client.ended;
    expect(answersIn(client.received()).map(({ status }) => status)).toEqual([200, 400]);
  });
});

describe("a connection that stands idle is closed without a word", () => {
  test.each([
    ["before its first request", ""],
    ["behind its last answer", GET],
  ])("%s", async (_when, request) => {
    const client = await openRaw(gateway.url);
    client.send(request);
    await client.ended;
    expect(answersIn(client.received()).map(({ status }) => status)).toEqual(request === "" ? [] : [200]);
    expect(gateway.lines.filter((line) => line.includes("bad-request"))).toEqual([]);
  });
});

describe("a client that takes nothing of its answer is reset, and nothing of it is held any more:", () => {
  const neverReading = async (request: string): Promise<RawConnection> => {
    const client = await openRaw(gateway.url);
    client.socket.pause();
    client.send(request);
    return client;
  };
  const large = (socket: Socket): void => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n`);
    socket.write(Buffer.alloc(LARGE, "x"));
  };

  test.each([
    ["of an operation", KEYED],
    ["that passes through", GET],
  ])("an answer %s", async (_what, request) => {
    act = large;
    const client = await neverReading(request);
    await until("it is at the upstream", () => upstream.requests.length === 1);
    await until("it is over", async () => (await inFlight()) === "0");
    client.socket.resume();
    expect(await client.ended).toBe("RST");
    expect(client.received().length).toBeLessThan(LARGE);
  });

  test("one that takes it slowly gets all of it", async () => {
    act = large;
    const client = await neverReading(GET);
    await until("it is at the upstream", () => upstream.requests.length === 1);
    const until4Stalls = performance.now() + 4 * STALLED_MS;
    while (performance.now() < until4Stalls) {
      client.socket.resume();
      await sleep(2);
      client.socket.pause();
      await sleep(STALLED_MS / 20);
    }
    client.socket.resume();
    const answer = await until("all of it", () => client.received().length > LARGE && wholeAnswer(client.received()));
    expect(answer.body).toHaveLength(LARGE);
    client.socket.destroy();
  });
});

describe("a silence that is nobody's fault is none:", () => {
  const silently = (): Promise<void> => sleep(3 * STALLED_MS);

  test("an upstream that works for long", async () => {
    act = (socket) => void silently().then(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    for (const request of [KEYED, GET]) {
      const client = await openRaw(gateway.url);
      client.send(request);
      expect((await until("its answer", () => wholeAnswer(client.received()))).status).toBe(200);
      client.socket.destroy();
    }
  });

  test("events that are far between", async () => {
    act = (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
      socket.write("7\r\nfirst\r\n\r\n");
      void silently().then(() => socket.write("8\r\nsecond\r\n\r\n0\r\n\r\n"));
    };
    const client = await openRaw(gateway.url);
    client.send(GET);
    await until("the first", () => client.received().includes("first"));
    await until("the second", () => client.received().includes("second"));
    client.socket.destroy();
    expect(upstream.requests).toHaveLength(1);
  });

  test("a WebSocket that nobody speaks on", async () => {
    act = (socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      void silently().then(() => socket.write("late"));
    };
    const client = await openRaw(gateway.url);
    client.send(GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    await until("the late word", () => client.received().endsWith("late"));
    expect(client.received()).toMatch(/^HTTP\/1\.1 101 /);
    client.socket.destroy();
  });
});

test("an upload that passes through and stops ends, and its call of the upstream with it", async () => {
  const client = await openRaw(gateway.url);
  client.send("PUT /invoices HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100\r\n\r\nabc");
  await until("it is at the upstream", () => upstream.openSockets() === 1);
  expect(await client.ended).toBe("RST");
  await until("its call is over", () => upstream.openSockets() === 0);
  expect(upstream.requests).toEqual([]); // never a whole one
});
