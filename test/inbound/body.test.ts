import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Budget } from "../../src/budget.ts";
import { readBody } from "../../src/inbound/body.ts";
import { until } from "../support/until.ts";

const MINUTE = 60_000;
const LIMITS = { maxBytes: 100, withinMs: MINUTE, idleMs: MINUTE };

let server: Server;
let client: Socket;
beforeEach(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  client = connect((server.address() as AddressInfo).port, "127.0.0.1");
});
afterEach(async () => {
  client.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

/** The gateway's side of an upload of 10 bytes that starts with `first`. */
async function upload(first: string): Promise<IncomingMessage> {
  client.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n${first}`);
  const [req] = (await once(server, "request")) as [IncomingMessage];
  return req;
}

test("an upload that stops is given up long before its whole time is over, and its bytes can be given back", async () => {
  const budget = new Budget(10);
  const reading = await readBody(await upload("12345"), { ...LIMITS, idleMs: 300 }, budget);
  expect(reading).toMatchObject({ kind: "slow", begun: { body: Buffer.from("12345") } });
  expect(budget.held).toBe(5);
  if (reading.kind !== "whole") reading.begun?.share.giveBack();
  expect([budget.admit(10), budget.admit(1)]).toEqual([true, false]);
});

test("an upload that goes on takes its time: each piece counts, not the whole", async () => {
  const idleMs = 2_000;
  const startedAt = performance.now();
  const reading = readBody(await upload("1"), { ...LIMITS, idleMs }, new Budget(10));
  for (let piece = 2; piece <= 9; piece++) {
    await sleep(idleMs / 6);
    client.write("2");
  }
  client.write("3");
  expect(await reading).toMatchObject({ kind: "whole", body: Buffer.from("1222222223") });
  expect(performance.now() - startedAt).toBeGreaterThan(idleMs);
});

test("a whole body is held until it is done with, also when the time it had is over", async () => {
  const budget = new Budget(10);
  const limits = { ...LIMITS, withinMs: 400, idleMs: 400 };
  const reading = await readBody(await upload("1234567890"), limits, budget);
  if (reading.kind !== "whole") throw new Error(reading.kind);
  const over = performance.now() + 2 * limits.withinMs;
  await until("its time is over", () => performance.now() > over);
  expect(budget.admit(1)).toBe(false);
  reading.share.giveBack();
  expect([budget.admit(10), budget.admit(1)]).toEqual([true, false]);
});

test("a body as long as all that may be held is taken, one byte more is not", async () => {
  expect(await readBody(await upload("1234567890"), LIMITS, new Budget(10))).toMatchObject({ kind: "whole" });
  const budget = new Budget(9);
  const reading = await readBody(await upload("1234567890"), LIMITS, budget);
  expect(reading).toMatchObject({ kind: "overloaded", begun: { body: Buffer.from("1234567890") } });
  expect(budget.held).toBe(10);
});
