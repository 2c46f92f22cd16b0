import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { postWithRetry } from "../../examples/clients/post-with-retry.ts";
import { freePort } from "../support/redis-server.ts";

let at: number[];
let answers: RequestListener[];
const server = createServer((req, res) => {
  at.push(performance.now());
  (answers[at.length - 1] ?? ((_, last) => void last.writeHead(201).end()))(req, res);
});
let url: string;
beforeEach(async () => {
  [at, answers] = [[], []];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/invoices`;
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
});
const refusing =
  (status: number, after?: string): RequestListener =>
  (_, res) =>
    void res.writeHead(status, after === undefined ? {} : { "retry-after": after }).end();

describe("postWithRetry", () => {
  test("429 and 503 with Retry-After are tried again, no sooner than they say", async () => {
    answers = [refusing(429, "1"), refusing(503, "0")];
    expect((await postWithRetry(url, { body: "{}" })).status).toBe(201);
    expect(at).toHaveLength(3);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(990);
    expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(740); // 1 s, less a quarter
  });

  test.each([400, 402, 404, 409, 422, 500, 502, 503, 504])("%i is final", async (status) => {
    answers = [refusing(status)];
    expect([(await postWithRetry(url, {})).status, at.length]).toEqual([status, 1]);
  });

  test("at most so many tries, and none beyond the budget", async () => {
    answers = Array.from({ length: 9 }, () => refusing(429, "0"));
    expect([(await postWithRetry(url, {}, { tries: 2 })).status, at.length]).toEqual([429, 2]);
    answers = [...answers.slice(0, 2), refusing(429, "5")];
    expect([(await postWithRetry(url, {}, { budgetMs: 4_000 })).status, at.length]).toEqual([429, 3]);
  });

  test("what was never sent is tried again; a connection that breaks later is not", async () => {
    server.close();
    await once(server, "close");
    const port = await freePort();
    url = `http://127.0.0.1:${port}/invoices`;
    setTimeout(() => server.listen(port, "127.0.0.1"), 100);
    expect((await postWithRetry(url, { body: "{}" })).status).toBe(201);
    answers = [refusing(201), (req) => req.socket.resetAndDestroy()];
    await expect(postWithRetry(url, { body: "{}" })).rejects.toThrow("fetch failed");
    expect(at).toHaveLength(2);
  });
});
