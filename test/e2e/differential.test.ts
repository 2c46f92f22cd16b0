import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { messagesIn, tellingOf } from "../upstream/told.ts";
import type { Told } from "../upstream/told.ts";
import { storeFile } from "./store-file.ts";
import type { StoreFile } from "./store-file.ts";
import { VARIED_EXCHANGES } from "./varied-exchanges.ts";

/**
 * Each exchange twice: with the upstream itself, and through the gateway. What either side is told must be the same but for what
 * docs/pass-through.md says, which stands here a second time.
 */
let next: { answer: string; isClosed: boolean };
let heard: Told | undefined;
const sockets = new Set<Socket>();
const upstream = createServer((socket) => {
  sockets.add(socket);
  let received = "";
  socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
    const [request] = messagesIn(received, false);
    if (request?.isWhole !== true) return;
    heard = request;
    received = "";
    const isLast = next.isClosed || request.lines.some((line) => /^connection: close$/i.test(line));
    socket[isLast ? "end" : "write"](next.answer, "latin1");
  });
});
let store: StoreFile;
let gateway: GatewayProcess;
let url: string;
beforeAll(async () => {
  await once(upstream.listen(0, "127.0.0.1"), "listening");
  url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  store = storeFile();
  gateway = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: url, ONCEGATE_STORE: store.url });
});
afterAll(async () => {
  await gateway.kill();
  for (const socket of sockets) socket.destroy();
  upstream.close();
  store.remove();
});

const ADDED_DATE = expect.stringMatching(/^Date: .* GMT$/) as unknown as string;
const HOP_BY_HOP = /^(connection|keep-alive|x-hop|transfer-encoding):/i;
const has = (lines: string[], name: RegExp) => lines.some((line) => name.test(line));
const without = (lines: string[], name: RegExp) => lines.filter((line) => !name.test(line));

/** What the upstream says, as the gateway is to tell it. */
function asPassed(direct: Told): Told {
  const { statusLine, lines } = direct;
  const [, version = ""] = /^HTTP\/(...)/.exec(statusLine) ?? [];
  const passed = [...without(lines, HOP_BY_HOP), `Via: ${version} oncegate`];
  if (!has(lines, /^date:/i) && !/ 1\d\d /.test(statusLine)) passed.push(ADDED_DATE);
  return { ...direct, statusLine: statusLine.replace(/^HTTP\/1\.0/, "HTTP/1.1"), lines: passed };
}

/** A request without what the gateway sets itself, its repeated fields together, its cookies in one. */
function asSent({ statusLine, lines, body, trailers }: Told): object {
  const own = /^(host|via|x-forwarded-\w+|connection|transfer-encoding|content-length):/i;
  const fields = Map.groupBy(without(lines, own), (line) => line.slice(0, line.indexOf(":")).toLowerCase());
  const together = [...fields].flatMap(([name, same]) =>
    name === "cookie" ? same.join("; ").replaceAll("; Cookie: ", "; ") : same,
  );
  return { line: statusLine.replace(/HTTP\/1\.0$/, "HTTP/1.1"), lines: together, body, trailers };
}

test("there are 70 exchanges to compare", () => {
  expect(VARIED_EXCHANGES.length).toBeGreaterThanOrEqual(70);
});

describe("the same directly and through the gateway:", () => {
  test.each(VARIED_EXCHANGES)("$name", async ({ request, answer, isClosed }) => {
    next = { answer, isClosed };
    const direct = await tellingOf(url, request);
    const sentDirectly = heard;
    heard = undefined;
    const passed = await tellingOf(gateway.url, request);
    const sentOn = await until("the request upstream", () => heard);

    const isOldClient = / HTTP\/1\.0\r\n/.test(request);
    expect({
      interim: passed.interim.map(({ lines }) => lines),
      answer: { ...passed.answer, lines: without(passed.answer?.lines ?? [], HOP_BY_HOP) },
    }).toEqual({
      interim: direct.interim.map((told) => asPassed(told).lines),
      answer: asPassed(direct.answer!),
    });
    expect([passed.end, direct.end, isOldClient && passed.interim.length > 0]).toEqual(["FIN", "FIN", false]);

    expect(asSent(sentOn)).toEqual(asSent(sentDirectly!));
    const from = without(sentOn.lines, /^(?!host|via|x-forwarded-)/i).map((line) => line.toLowerCase());
    expect(from).toEqual([
      `host: ${new URL(url).host}`,
      "x-forwarded-for: 127.0.0.1",
      "x-forwarded-proto: http",
      "x-forwarded-host: origin",
      expect.stringMatching(isOldClient ? /^via: 1\.0 oncegate-\w{8}$/ : /^via: 1\.1 oncegate-\w{8}$/),
    ]);
    const isChunked = sentDirectly!.body !== "" && has(sentDirectly!.lines, /^transfer-encoding:/i);
    expect(has(sentOn.lines, /^transfer-encoding: chunked$/i)).toBe(isChunked); // an empty body has a length
  });
});
