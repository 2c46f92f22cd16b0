import { afterEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { Budget, Share } from "../../src/budget.ts";
import { CONNECTIONS } from "../../src/upstream/connect.ts";
import { openUpstream } from "../../src/upstream/execute.ts";
import type { Upstream } from "../../src/upstream/execute.ts";
import { Try } from "../../src/upstream/try.ts";
import type { UpstreamSettings } from "../../src/upstream/try.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import type { RawUpstream } from "./raw-upstream.ts";

const REQUEST = { method: "POST", target: "/invoices", headers: [], body: Buffer.from("{}") };
const PERMIT = { maySend: () => true, share: new Share(new Budget(0)) };
const settingsFor = (url: URL): UpstreamSettings => ({
  url,
  ca: undefined,
  connectTimeoutMs: 2_000,
  timeoutMs: 60_000,
  keepBytes: 1_000,
});

let raw: RawUpstream | undefined;
let upstream: Upstream | undefined;
afterEach(async () => {
  await upstream?.close();
  await raw?.close();
});

async function overflowing(act: (socket: Socket) => void, settings: Partial<UpstreamSettings> = {}) {
  raw = await startRawUpstream(act);
  upstream = openUpstream({ ...settingsFor(raw.url), ...settings });
  const execution = await upstream.execute(REQUEST, PERMIT);
  if (execution.kind !== "overflowed") throw new Error(execution.kind);
  return execution;
}

describe("an answer larger than what is kept", () => {
  test("that stops coming is cut when the upstream's time is over", async () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n";
    const { body } = await overflowing((socket) => socket.write(head + "x".repeat(2_000)), { timeoutMs: 500 });
    await expect(buffer(body)).rejects.toThrow("cut");
    await until("the upstream is let go", () => raw?.openSockets() === 0);
  });

  test("that is cut while nobody reads it yet ends nothing but itself", async () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n";
    const { body } = await overflowing((socket) => {
      socket.write(head + "x".repeat(2_000), () => setImmediate(() => socket.end()));
    });
    await until("it is cut", () => body.destroyed);
    expect(body.errored?.message).toContain("cut");
  });

  test("comes no faster than it is read, and then whole", async () => {
    const bytes = 50_000_000;
    let at: Socket | undefined;
    const { body } = await overflowing((socket) => {
      at = socket;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
      socket.write(Buffer.alloc(bytes, "x"));
    });
    let before = -1;
    await until("nothing is taken any more", () => {
      const taken = at!.bytesWritten - at!.writableLength;
      const isStill = taken === before;
      before = taken;
      return isStill;
    });
    expect(at!.writableLength).toBeGreaterThan(0);
    expect(body.readableLength).toBeLessThan(bytes / 10);
    expect((await buffer(body)).length).toBe(bytes);
  });
});

test("an answer that streams keeps its place, and is cut when the gateway must end", async () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n";
  const start = head + "x".repeat(2_000);
  raw = await startRawUpstream((socket) => socket.write(start));
  upstream = openUpstream({ ...settingsFor(raw.url), connectTimeoutMs: 3_000 }); // in which all are connected at once
  const all = await Promise.all(Array.from({ length: CONNECTIONS }, () => upstream!.execute(REQUEST, PERMIT)));
  expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(["overflowed"]));
  const tooMany = await upstream.execute(REQUEST, PERMIT);
  expect(tooMany).toMatchObject({ kind: "never-sent", reason: "unreachable", why: "no free connection in time" });

  const [first, ...others] = all.map((execution) => (execution.kind === "overflowed" ? execution.body : undefined));
  first?.destroy();
  expect(await upstream.execute(REQUEST, PERMIT)).toMatchObject({ kind: "overflowed" });
  upstream.abandon();
  await until("all are cut", () => others.every((body) => body?.errored?.message.includes("cut")));
  expect(raw.requests).toHaveLength(CONNECTIONS + 1);
  await until("the upstream is let go", () => raw?.openSockets() === 0);
});

test("a request that would be sent a second time is stopped before its first byte, and is lost", async () => {
  const controller = () => ({
    aborted: false,
    reason: null,
    paused: false,
    abort() {
      this.aborted = true;
    },
    pause() {},
    resume() {},
  });
  const [first, second] = [controller(), controller()];
  const one = new Try(settingsFor(new URL("http://127.0.0.1:1")), PERMIT, {
    resetting: (abort) => abort(),
    onFree: () => {},
  });
  one.onRequestStart(first);
  one.onRequestStart(second);
  expect([first.aborted, second.aborted]).toEqual([false, true]);
  expect(await one.ended).toMatchObject({ kind: "lost", reason: "upstream-reset" });
});

test("a connection that took the whole time to fail is not tried again: the client would notice", async () => {
  raw = await startRawUpstream(() => {});
  const url = new URL(`https://127.0.0.1:${raw.url.port}`); // where nobody speaks TLS
  upstream = openUpstream({ ...settingsFor(url), connectTimeoutMs: 2_000 });
  const execution = await upstream.execute(REQUEST, PERMIT);
  expect(execution).toMatchObject({ kind: "never-sent", reason: "unreachable" });
  expect(raw.connections).toBe(1);
});
