import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";

let api: Server;
let gateway: OpenGateway;
beforeEach(async () => {
  // Answers before it has read the body, and never ends the answer.
  api = createServer((_req, res) => {
    res.writeHead(200, { "Content-Length": 600 });
    res.write("A".repeat(100));
  }).listen(0, "127.0.0.1");
  await once(api, "listening");
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}` });
});
afterEach(async () => {
  await gateway.close();
  api.closeAllConnections();
  api.close();
});

test("an upload that turns malformed while its answer is under way breaks the answer off, and puts no words into it", async () => {
  const client = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  let received = "";
  client.on("data", (chunk) => (received += chunk.toString()));
  const broken = new Promise((resolve) => client.once("error", (error: NodeJS.ErrnoException) => resolve(error.code)));
  client.write("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  await until("the answer has begun", () => received.includes("AAAA"));
  client.write("NOT A CHUNK\r\n");
  expect(await broken).toBe("ECONNRESET");
  expect(received).not.toContain("bad-request");
  expect(received.split("\r\n\r\n")[1]).toBe("A".repeat(100));
});
