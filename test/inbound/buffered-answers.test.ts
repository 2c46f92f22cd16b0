import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { expectProblem } from "../support/expect-problem.ts";
import { send } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { leave, openRequest } from "../support/raw-exchange.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "../upstream/raw-upstream.ts";
import type { RawUpstream } from "../upstream/raw-upstream.ts";

const OK = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
/** More than the gateway may hold, and more than the buffers of both ends of a connection do. */
const LARGE = 32_000_000;

let upstream: RawUpstream;
let gateway: OpenGateway;
/** Where the upstream's answers to /large wait for the test. */
let waiting: Socket[];
beforeEach(async () => {
  waiting = [];
  upstream = await startRawUpstream((socket, request) => {
    if (request.startsWith("POST /large")) waiting.push(socket);
    else socket.write(OK);
  });
  gateway = await openGateway({
    ONCEGATE_UPSTREAM_URL: upstream.url.href,
    ONCEGATE_MAX_BUFFERED: "1mb",
    ONCEGATE_MAX_STORED_RESPONSE: "64mb",
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const post = (key: string, path = "/invoices"): Promise<Answer> =>
  send(gateway.url + path, { headers: { "x-idempotency-key": key } });

async function buffered(): Promise<number> {
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(/^oncegate_buffered_bytes (.+)$/m.exec(metrics)?.[1]);
}
const untilItHolds = (bytes: number) =>
  until(`it holds ${bytes} bytes`, async () => (bytes === 0 ? (await buffered()) === 0 : (await buffered()) >= bytes));

/** Begins an operation whose answer is large. */
async function begun(key: string): Promise<{ client: Socket; answer: Socket }> {
  const client = await openRequest(Number(new URL(gateway.url).port), "/large", { "x-idempotency-key": key });
  client.pause().on("error", () => {});
  const answer = await until("the request is there", () => waiting.shift());
  answer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n`);
  return { client, answer };
}

/** No operation is admitted, not even one without a body; what passes through is. */
async function expectOverloaded(): Promise<void> {
  const seen = upstream.requests.length;
  const refused = await post("refused");
  expectProblem(refused, "overloaded");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(upstream.requests).toHaveLength(seen);
  for (const method of ["POST", "GET"]) expect((await send(`${gateway.url}/passing`, { method })).status).toBe(201);
}

test("an answer counts while it arrives, and is never refused", async () => {
  const { client, answer } = await begun("first");
  answer.write(Buffer.alloc(2_000_000, "x"));
  await untilItHolds(2_000_000);
  await expectOverloaded();
  answer.write(Buffer.alloc(LARGE - 2_000_000, "x"));
  let taken = 0;
  client.on("data", (piece: Buffer) => (taken += piece.length)).resume();
  await until("the client has it all", () => taken > LARGE);
  await untilItHolds(0);
  expect((await post("refused")).status).toBe(201);
  expect((await post("first", "/large")).replayed).toBe(true);
  await leave(client);
});

test("an answer counts until its client has taken it, or is gone; so does a replay", async () => {
  const { client, answer } = await begun("first");
  answer.write(Buffer.alloc(LARGE, "x"));
  await until("it is stored", async () => (await buffered()) === LARGE);
  await expectOverloaded();
  client.destroy();
  await untilItHolds(0);

  const again = await openRequest(Number(new URL(gateway.url).port), "/large", { "x-idempotency-key": "first" });
  again.pause().on("error", () => {});
  await untilItHolds(LARGE);
  await expectOverloaded();
  again.resetAndDestroy();
  await untilItHolds(0);
  expect((await post("refused")).status).toBe(201);
});

test("an answer that breaks off counts no more, nor one that nobody waits for", async () => {
  const broken = await begun("broken");
  broken.answer.write(Buffer.alloc(2_000_000, "x"));
  await untilItHolds(2_000_000);
  broken.answer.resetAndDestroy();
  await untilItHolds(0);

  const left = await begun("left");
  left.answer.write(Buffer.alloc(2_000_000, "x"));
  await untilItHolds(2_000_000);
  left.client.destroy();
  await expectOverloaded(); // it runs on
  left.answer.write(Buffer.alloc(LARGE - 2_000_000, "x"));
  await untilItHolds(0);
  expect((await post("left", "/large")).replayed).toBe(true);
  broken.client.destroy();
});
