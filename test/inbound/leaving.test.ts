import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { openRaw, rawPost, wholeAnswer } from "../e2e/raw-bytes.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "../upstream/raw-upstream.ts";
import type { RawUpstream } from "../upstream/raw-upstream.ts";

let upstream: RawUpstream;
let gateway: OpenGateway;
let atUpstream: Socket[];
beforeEach(async () => {
  atUpstream = [];
  upstream = await startRawUpstream((socket) => atUpstream.push(socket));
  gateway = await openGateway({
    ONCEGATE_UPSTREAM_URL: upstream.url.href,
    ONCEGATE_CLIENT_WAIT: "2s",
    ONCEGATE_MAX_STORED_RESPONSE: "1kb",
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const KEYED = rawPost(["Idempotency-Key: k", "Content-Length: 0"]);
/** By its line, which is written when the connection is seen to be over. */
const ended = (outcome: string) => gateway.lines.some((line) => line.includes(`"outcome":"${outcome}"`));
const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
};
/** The head of an answer far larger than what is stored, and its first part: more than any buffer holds is never sent. */
const startOfLargeAnswer = (): void => {
  atUpstream[0]?.write(`HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n${"x".repeat(100_000)}`);
};

describe("an answer too large to keep that nobody reads is not fetched:", () => {
  const untilStopped = () => until("the upstream is let go", () => upstream.openSockets() === 0);

  test("the client left before it began", async () => {
    const client = await openRaw(gateway.url);
    client.send(KEYED);
    await until("it is at the upstream", () => atUpstream.length === 1);
    client.socket.destroy();
    expect(await metric("oncegate_in_flight")).toBe(1); // asked behind its leaving
    startOfLargeAnswer();
    await untilStopped();
    await until("its line", () => ended("completed"));
  });

  test("the client left in the middle of it", async () => {
    const client = await openRaw(gateway.url);
    client.send(KEYED);
    await until("it is at the upstream", () => atUpstream.length === 1);
    startOfLargeAnswer();
    await until("a part of it", () => client.received().length > 1_000);
    client.socket.destroy();
    await untilStopped();
    expect(await until("its line", () => ended("completed"))).toBe(true);
  });

  test("it came after the client's patience; its end is counted and logged", async () => {
    const client = await openRaw(gateway.url);
    client.send(KEYED);
    const answer = await until("still-running", () => wholeAnswer(client.received()));
    expect(JSON.parse(answer.body)).toMatchObject({ status: 504, code: "still-running" });
    await until("its request is over", () => ended("still-running"));
    const before = await metric("oncegate_upstream_seconds_count");
    startOfLargeAnswer();
    await untilStopped();
    await until("its line", () => gateway.lines.some((line) => line.includes("after its client's patience")));
    await until("it counts", async () => (await metric("oncegate_upstream_seconds_count")) > before);
    expect((await metric("oncegate_upstream_seconds_count")) - before).toBe(1);
    client.socket.destroy();
  });
});

describe("a retry that waits for its original", () => {
  const waiting = KEYED.replace("\r\n", "\r\nPrefer: wait=3600\r\n");

  test("waits no longer than the client's patience", async () => {
    const [first, retry] = [await openRaw(gateway.url), await openRaw(gateway.url)];
    first.send(KEYED);
    await until("it is at the upstream", () => atUpstream.length === 1);
    retry.send(waiting);
    const answer = await until("an answer", () => wholeAnswer(retry.received()));
    expect(JSON.parse(answer.body)).toMatchObject({ status: 409, code: "operation-in-flight" });
    for (const { socket } of [first, retry]) socket.destroy();
  });

  test("is over when its client leaves", async () => {
    await gateway.close();
    gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href });
    const [first, retry] = [await openRaw(gateway.url), await openRaw(gateway.url)];
    first.send(KEYED);
    await until("it is at the upstream", () => atUpstream.length === 1);
    retry.send(waiting);
    await until("both are served", async () => (await metric("oncegate_in_flight")) === 2);
    retry.socket.destroy();
    await until("one is over", async () => (await metric("oncegate_in_flight")) === 1);
    expect(upstream.requests).toHaveLength(1);
    const left = gateway.lines.map((line) => JSON.parse(line) as object).filter((line) => "outcome" in line);
    expect(left).toMatchObject([{ status: 0, outcome: "operation-in-flight" }]); // nothing was answered
    first.socket.destroy();
  });
});
