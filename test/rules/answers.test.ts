import { describe, expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { expectProblem } from "../support/expect-problem.ts";
import { until } from "../support/until.ts";
import { JSON_TYPE, oneRule } from "./one-rule.ts";

const one = oneRule();
const json = (document: unknown, coding?: [string, (bytes: Buffer) => Buffer]) => (res: ServerResponse) => {
  const bytes = Buffer.from(JSON.stringify(document));
  const coded = coding === undefined ? {} : { "content-encoding": coding[0] };
  res.writeHead(200, { ...JSON_TYPE, ...coded }).end(coding === undefined ? bytes : coding[1](bytes));
};

describe("an outcome that is told by the body of the answer", () => {
  const OUTCOME = {
    outcome: {
      release: [{ body: "/status/errorCode", in: [1010, 1014] }],
      unknown: [{ body: "/status/errorCode", equals: 1000 }],
    },
  };

  test.each<[string, ((bytes: Buffer) => Buffer) | undefined]>([
    ["identity", undefined],
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ])("releases the key, also where the answer is coded: %s", async (name, coder) => {
    await one.withRule(OUTCOME);
    one.answer = json({ status: { errorCode: 1010 } }, coder && [name, coder]);
    expect((await one.post()).replayed).toBe(false);
    one.answer = json({ status: { errorCode: 0 } }, coder && [name, coder]);
    expect((await one.post()).replayed).toBe(false);
    expect((await one.post()).replayed).toBe(true);
    expect(one.executed).toBe(2);
  });

  test("makes an outcome unknown", async () => {
    await one.withRule(OUTCOME);
    one.answer = json({ status: { errorCode: 1000 } });
    expect((await one.post()).status).toBe(200);
    expectProblem(await one.post(), "outcome-unknown");
    expect(one.executed).toBe(1);
  });

  test.each<[string, (res: ServerResponse) => void]>([
    ["no JSON", (res) => void res.end('{"status":{"errorCode":1010')],
    ["coded in a way that nobody knows", (res) => void res.setHeader("content-encoding", "rot13").end("x")],
    [
      "not coded as it says",
      (res) => void res.setHeader("content-encoding", "gzip").end('{"status":{"errorCode":1010}}'),
    ],
    [
      "a bomb",
      (res) =>
        void res
          .setHeader("content-encoding", "gzip")
          .end(gzipSync(`{"status":{"errorCode":1010},"x":"${" ".repeat(2_000_000)}"}`)),
    ],
  ])("is stored where the body cannot be read: %s", async (_, how) => {
    await one.withRule(OUTCOME);
    one.answer = how;
    for (let i = 0; i < 2; i++) await one.post().catch(() => "it cannot be read by its client either");
    expect(one.executed).toBe(1);
  });
});

test("onCompleted reject says that it is done, to every credential, and shows nothing of the answer", async () => {
  await one.withRule({ onCompleted: "reject", scope: ["header:x-tenant"] });
  const tenant = { "x-tenant": "t" };
  expect(String((await one.post({ headers: tenant })).body)).toBe("made");
  for (const headers of [tenant, { ...tenant, authorization: "Basic YTpi" }]) {
    const retry = await one.post({ headers });
    expectProblem(retry, "already-completed");
    expect(String(retry.body)).not.toContain("made");
  }
  expect(one.executed).toBe(1);
});

test("onInFlight waits for the original", async () => {
  await one.withRule({ onInFlight: { wait: "30s" } });
  const running = Promise.withResolvers<ServerResponse>();
  one.answer = running.resolve;
  const first = one.post();
  const res = await running.promise;
  const retry = one.post();
  await until("the retry has asked, again", async () => {
    const metrics = await (await fetch(`${one.gateway.adminUrl}/metrics`)).text();
    return Number(/store_seconds_count\{verb="claim".*\} (\d+)/.exec(metrics)?.[1]) > 2;
  });
  res.writeHead(201).end("made");
  expect([(await first).replayed, (await retry).replayed, one.executed]).toEqual([false, true, 1]);
});

test("a retention of its own frees the key when it is over", async () => {
  await one.withRule({ retention: "1s" });
  await one.post();
  const again = await until("the key is free", async () => {
    const said = await one.post();
    return !said.replayed && said;
  });
  expect([again.status, one.executed]).toEqual([201, 2]);
});
