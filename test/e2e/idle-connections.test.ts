import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { page, post } from "./keyed-post.ts";
import { oneGateway } from "./one-gateway.ts";
import type { OneGateway } from "./one-gateway.ts";

/** Each is a file for this process and for the gateway's, which have others too. */
const MAY_OPEN = Number(execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).replace(/unlimited\s*/, "1e6"));
const CONNECTIONS = Math.min(2_000, MAY_OPEN - 200);
const MOST_MIB = 64;

let { gateway, end } = {} as OneGateway;
const sockets: Socket[] = [];
beforeAll(async () => {
  ({ gateway, end } = await oneGateway({}));
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await end();
});

const residentMiB = (): number =>
  Number(execFileSync("ps", ["-o", "rss=", "-p", String(gateway.pid)], { encoding: "utf8" })) / 1_024;

async function open(): Promise<Socket> {
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  sockets.push(socket);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

async function ask(socket: Socket): Promise<void> {
  const answered = new Promise((resolve) => socket.once("data", resolve));
  socket.write("GET /invoices HTTP/1.1\r\nHost: gateway\r\n\r\n");
  await answered;
}

test(`${CONNECTIONS} idle connections cost little memory, and nobody else notices them`, async () => {
  for (let i = 0; i < 2_000; i++) expect((await page(gateway.url, "/invoices")).status).toBe(200); // what a gateway holds anyway
  const before = residentMiB();
  while (sockets.length < CONNECTIONS) {
    const [fresh, asking] = [await open(), await open()]; // one that says nothing, one that stays behind its answer
    expect(fresh.destroyed).toBe(false);
    await ask(asking);
  }
  expect((await post(gateway.url, "while-idle")).status).toBe(201);
  const cost = residentMiB() - before;
  console.log(`${sockets.length} idle connections: ${cost.toFixed(1)} MiB`);
  expect(cost).toBeLessThan(MOST_MIB);
  expect((await post(gateway.url, "while-idle")).isReplay).toBe(true);
  expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(sockets.length);
});
