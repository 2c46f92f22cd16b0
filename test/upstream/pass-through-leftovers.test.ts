import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { answersIn, openRaw } from "../e2e/raw-bytes.ts";
import { storeFile } from "../e2e/store-file.ts";
import { startGatewayProcess } from "../support/gateway.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import type { RawUpstream } from "./raw-upstream.ts";

const GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const OFFER = `${GET.slice(0, -2)}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const TAKEN = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const EVENTS = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";

describe("when its client has left, an exchange leaves no socket and no timer:", () => {
  let act: (socket: Socket) => void;
  let upstream: RawUpstream;
  let gateway: OpenGateway;
  let atFirst: number;
  beforeAll(async () => {
    upstream = await startRawUpstream((socket) => act(socket));
    gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href });
    atFirst = inUse();
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });
  const inUse = (): number => process.getActiveResourcesInfo().filter((what) => /Timeout|TCPSocket/.test(what)).length;

  const rows: [what: string, request: string, act: (socket: Socket) => void, shown: string][] = [
    ["one that was answered", GET, (socket) => void socket.write(OK), "ok"],
    ["one that has no answer", GET, () => {}, ""],
    ["one that is in the middle of its answer", GET, (socket) => void socket.write(OK.slice(0, -1)), "o"],
    ["one whose answer was cut", GET, (socket) => void socket.end(OK.slice(0, -1)), ""],
    ["one whose answer is no HTTP", GET, (socket) => void socket.write("nonsense\r\n\r\n"), "outcome-unknown"],
    ["one in the middle of its upload", GET.replace("\r\n\r\n", "\r\nContent-Length: 9\r\n\r\nabc"), () => {}, ""],
    ["events", GET, (socket) => void socket.write(EVENTS), "data: 1\n\n"],
    ["an upgrade without an answer", OFFER, () => {}, ""],
    ["an upgrade that was refused", OFFER, (socket) => void socket.write(OK), "ok"],
    ["a WebSocket", OFFER, (socket) => void socket.write(`${TAKEN}first`), "first"],
  ];
  test.each(rows)("%s", async (_what, request, how, shown) => {
    act = how;
    const asked = upstream.connections;
    const client = await openRaw(gateway.url);
    client.send(request);
    await until("it is upstream", () => upstream.connections > asked);
    await until("what is to come", () => client.received().includes(shown));
    client.socket.destroy();
    await until("nothing is left upstream", () => upstream.openSockets() === 0);
    await until("no more is in use than at first", () => inUse() <= atFirst);
    expect(inUse()).toBeLessThanOrEqual(atFirst);
  });
});

test("dozens of exchanges on one connection leave no listener behind, and no file open", async () => {
  const upstream = await startRawUpstream((socket) => socket.write(OK));
  const store = storeFile();
  const gateway = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: upstream.url.href, ONCEGATE_STORE: store.url });
  /** Open files of the process; where they cannot be seen, always as many. */
  const openFiles = (): number => (process.platform === "linux" ? readdirSync(`/proc/${gateway.pid}/fd`).length : 0);
  try {
    const send = async (count: number): Promise<void> => {
      const client = await openRaw(gateway.url);
      for (let i = 1; i <= count; i++) {
        client.send(GET);
        await until("its answer", () => answersIn(client.received()).length === i);
      }
      client.socket.destroy();
      await until("nothing is left upstream", () => upstream.openSockets() === 0);
    };
    await send(1);
    const before = openFiles();
    await send(50);
    await until("as many files as before", () => openFiles() <= before);
    expect(gateway.text()).not.toMatch(/warning/i);
    expect(upstream.requests).toHaveLength(51);
  } finally {
    await gateway.kill();
    await upstream.close();
    store.remove();
  }
});
