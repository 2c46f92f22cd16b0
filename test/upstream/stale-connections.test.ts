import { afterEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Budget, Share } from "../../src/budget.ts";
import { openUpstream } from "../../src/upstream/execute.ts";
import type { Upstream } from "../../src/upstream/execute.ts";
import type { Execution } from "../../src/upstream/try.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import type { RawUpstream } from "./raw-upstream.ts";

const OK = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
const PERMIT = { maySend: () => true, share: new Share(new Budget(0)) };

let raw: RawUpstream;
let upstream: Upstream;
afterEach(async () => {
  await upstream.close();
  await raw.close();
});

async function open(act: (socket: Socket) => void): Promise<void> {
  raw = await startRawUpstream(act);
  upstream = openUpstream({
    url: raw.url,
    ca: undefined,
    connectTimeoutMs: 5_000,
    timeoutMs: 30_000,
    keepBytes: 1_000,
  });
}

const execute = (target: string): Promise<Execution> =>
  upstream.execute({ method: "POST", target, headers: [], body: Buffer.from("{}") }, PERMIT);

const timesSeen = (target: string): number =>
  raw.requests.filter((request) => request.startsWith(`POST ${target} `)).length;

describe("on a connection that stood open", () => {
  test.each<[string, string]>([
    [
      "an answer that nobody asked for",
      "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ],
    ["the answer to the request before once more", OK],
    ["bytes that are no answer", "garbage"],
  ])("%s is no operation's answer", async (_what, text) => {
    await open((socket) => {
      socket.write(OK);
      if (raw.requests.length === 1) setTimeout(() => socket.write(text), 20);
    });
    expect(await execute("/1")).toMatchObject({ kind: "answered" });
    await until("the connection is given up", () => raw.openSockets() === 0);
    expect(await execute("/2")).toMatchObject({ kind: "answered", answer: { status: 201 } });
    expect([timesSeen("/1"), timesSeen("/2"), raw.connections]).toEqual([1, 1, 2]);
  });

  test.each(["end", "resetAndDestroy"] as const)(
    "a close (%s) that comes with a request never has it sent twice",
    async (close) => {
      await open((socket) => {
        socket.write(OK);
        setTimeout(() => socket[close](), Math.random() * 8);
      });
      const ends: { kind: string; seen: number }[] = [];
      const oneAfterAnother = async (client: number): Promise<void> => {
        for (let i = 0; i < 60; i++) {
          const { kind } = await execute(`/${client}-${i}`);
          ends.push({ kind, seen: timesSeen(`/${client}-${i}`) });
          await sleep(Math.random() * 8);
        }
      };
      await Promise.all([1, 2, 3, 4].map(oneAfterAnother));
      const seenWhere = (kind: string): number[] => [
        ...new Set(ends.filter((end) => end.kind === kind).map(({ seen }) => seen)),
      ];
      expect(seenWhere("answered")).toEqual([1]);
      expect(Math.max(0, ...seenWhere("never-sent"))).toBe(0);
      expect(Math.max(0, ...seenWhere("lost"))).toBeLessThanOrEqual(1);
      expect(ends).toHaveLength(240);
      expect(new Set(raw.requests).size).toBe(raw.requests.length);
    },
  );
});
