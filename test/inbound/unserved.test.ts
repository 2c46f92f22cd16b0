import { afterEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { openRaw } from "../e2e/raw-bytes.ts";
import type { RawConnection } from "../e2e/raw-bytes.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "../upstream/raw-upstream.ts";
import type { RawUpstream } from "../upstream/raw-upstream.ts";

const OFFER = "GET /events HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const TAKEN = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

let [upstream, gateway, client] = [] as unknown as [RawUpstream, OpenGateway, RawConnection];
afterEach(async () => {
  client.socket.destroy();
  await gateway.close();
  await upstream.close();
});

async function offer(act: (socket: Socket) => void): Promise<void> {
  upstream = await startRawUpstream(act);
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href });
  client = await openRaw(gateway.url);
  client.send(OFFER);
}
const inFlight = async (): Promise<string | undefined> =>
  /^oncegate_in_flight (\d+)$/m.exec(await (await fetch(`${gateway.adminUrl}/metrics`)).text())?.[1];
const ended = async (): Promise<{ lines: object[]; inFlight: string | undefined }> => {
  await until("its line", () => gateway.lines.length > 0);
  return { lines: gateway.lines.map((line) => JSON.parse(line) as object), inFlight: await inFlight() };
};
const asLogged = (status: number, outcome: string): object => ({
  lines: [{ msg: "request", method: "GET", path: "/events", requestId: expect.any(String), status, outcome }],
  inFlight: "0",
});

describe("a WebSocket that is offered counts until its connection ends, and has its line in the log then:", () => {
  test("one that is taken", async () => {
    await offer((socket) => socket.write(TAKEN));
    await until("it is taken", () => client.received().startsWith("HTTP/1.1 101"));
    expect([await inFlight(), gateway.lines]).toEqual(["1", []]);
    client.socket.destroy();
    expect(await ended()).toMatchObject(asLogged(101, "pass-through"));
  });

  test.each([
    ["that the API refuses", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", 401, "pass-through"],
    ["that gets an answer that is none", "rubbish\r\n\r\n", 502, "outcome-unknown"],
  ])("one %s", async (_what, answer, status, outcome) => {
    await offer((socket) => socket.write(answer));
    expect(await ended()).toMatchObject(asLogged(status, outcome));
  });

  test("one whose client leaves before it is answered", async () => {
    await offer(() => {});
    await until("the offer is upstream", () => upstream.requests.length === 1);
    client.socket.destroy();
    expect(await ended()).toMatchObject(asLogged(0, "pass-through"));
  });
});
