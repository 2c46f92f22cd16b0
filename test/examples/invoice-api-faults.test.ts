import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import request from "supertest";
import { exchange, leave, openRequest } from "../support/raw-exchange.ts";
import { INVOICE, startSampleApi, type SampleApi } from "../support/sample-api.ts";

let api: SampleApi;
beforeAll(async () => {
  api = await startSampleApi();
});
afterAll(() => api.close());
beforeEach(() => request(api.url).delete("/invoices").expect(204));

const body = JSON.stringify(INVOICE);
const asking = (fault: string) => ({ "content-type": "application/json", "x-sample-fault": fault });
const create = (fault: string) => exchange(api.port, "/invoices", asking(fault), body);
const count = async (): Promise<number> => (await request(api.url).get("/invoices")).body.count;

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error("the condition did not come true within 10 s");
    await sleep(20);
  }
}

test.each([
  ["fail-before", 500, 0],
  ["fail-after", 500, 1],
  ["status:503", 503, 0],
  ["status:409;after", 409, 1],
  ["status:204", 204, 0],
  ["bogus", 400, 0],
  ["status:99", 400, 0],
  ["delay:999999", 400, 0],
])("%s answers %d and leaves %d invoices", async (fault, status, created) => {
  const answer = await create(fault);
  expect(answer.head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer.head).not.toMatch(/retry-after/i);
  expect(answer.end).toBe("FIN");
  expect(await count()).toBe(created);
});

test.each([
  ["status:503;retry-after=1", 0],
  ["status:503;after;retry-after=1", 1],
])("%s adds Retry-After and leaves %d invoices", async (fault, created) => {
  expect((await create(fault)).head).toMatch(/^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n/);
  expect(await count()).toBe(created);
});

test.each([
  ["reset-before", 0],
  ["reset-after", 1],
])("%s resets the connection without an answer and leaves %d invoices", async (fault, created) => {
  const answer = await create(fault);
  expect(answer.received).toHaveLength(0);
  expect(answer.end).toBe("RST");
  expect(await count()).toBe(created);
});

test("cut creates, promises the whole body, sends half of it and resets", async () => {
  const answer = await create("cut");
  expect(answer.end).toBe("RST");
  const promised = Number(/Content-Length: (\d+)/.exec(answer.head)?.[1]);
  expect(answer.body).toHaveLength(Math.ceil(promised / 2));
  expect(await count()).toBe(1);
});

test("cut-chunked creates, sends half of the body in a chunk and resets before the last one", async () => {
  const answer = await create("cut-chunked");
  expect(answer.end).toBe("RST");
  expect(answer.head).toContain("Transfer-Encoding: chunked");
  expect(answer.body.toString()).toMatch(/^[0-9a-f]+\r\n\{"id"/);
  expect(answer.body.toString()).not.toContain("\r\n0\r\n");
  expect(await count()).toBe(1);
});

test("cut of an answer without a body is only the reset", async () => {
  const headers = { "x-sample-fault": "cut", "x-sample-answer": "empty" };
  const answer = await exchange(api.port, "/samples", headers);
  expect(answer.received).toHaveLength(0);
  expect(answer.end).toBe("RST");
});

test("unframed answers whole, ended by the end of the connection alone", async () => {
  const headers = { ...asking("unframed"), connection: "keep-alive" };
  const answer = await exchange(api.port, "/invoices", headers, body);
  expect(answer.head).toMatch(/^HTTP\/1\.1 201 /);
  expect(answer.head).not.toMatch(/content-length|transfer-encoding/i);
  expect(answer.head).toContain("Connection: close");
  expect(JSON.parse(answer.body.toString())).toMatchObject(INVOICE);
  expect(answer.end).toBe("FIN");
  expect(await count()).toBe(1);
});

test("hang creates and stays silent until the client leaves", async () => {
  const socket = await openRequest(api.port, "/invoices", asking("hang"), body);
  await eventually(async () => (await count()) === 1);
  expect(socket.bytesRead).toBe(0);
  await leave(socket);
  expect(await count()).toBe(1);
});

test("hang-before stays silent and creates nothing", async () => {
  const socket = await openRequest(api.port, "/invoices", asking("hang-before"), body);
  // Silence has no event to wait for; creating would take a few milliseconds.
  await sleep(300);
  expect(socket.bytesRead).toBe(0);
  await leave(socket);
  expect(await count()).toBe(0);
});

test("delay creates after the delay and answers normally", async () => {
  const started = performance.now();
  const answering = create("delay:1500");
  expect(await count()).toBe(0);
  expect((await answering).head).toMatch(/^HTTP\/1\.1 201 /);
  expect(performance.now() - started).toBeGreaterThan(1400);
  expect(await count()).toBe(1);
});

test("delay-after creates at once and answers after the delay", async () => {
  const started = performance.now();
  const socket = await openRequest(api.port, "/invoices", asking("delay-after:1500"), body);
  await eventually(async () => (await count()) === 1);
  expect(socket.bytesRead).toBe(0);
  await once(socket, "data");
  expect(performance.now() - started).toBeGreaterThan(1400);
  await leave(socket);
});

test("a delayed request takes effect although its client has gone", async () => {
  const socket = await openRequest(api.port, "/invoices", asking("delay:200"), body);
  await leave(socket);
  await eventually(async () => (await count()) === 1);
  expect(socket.bytesRead).toBe(0);
});

test("faults apply to PATCH too and leave the process serving", async () => {
  const { body: made } = await request(api.url).post("/invoices").send(INVOICE);
  const change = () => request(api.url).patch(`/invoices/${made.id}`).send({ customer: "Other" });
  await change().set("x-sample-fault", "fail-before").expect(500);
  await change().set("x-sample-fault", "fail-after").expect(500);
  await expect(change().set("x-sample-fault", "reset-after")).rejects.toThrow("ECONNRESET");
  const after = await request(api.url).get(`/invoices/${made.id}`).expect(200);
  expect(after.body).toMatchObject({ customer: "Other", revision: 3 });
});
