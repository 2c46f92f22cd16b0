import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import type { Fate } from "../upstream/hostile-answers.ts";
import { FAULTS, faultOf } from "./soak-faults.ts";
import { storeFile } from "./store-file.ts";

/**
 * By then the collector has come to its rhythm: the heap grows to 150 to 200 MiB before V8 looks for garbage in it, of which 40 MiB are
 * left, and the process goes up and down between 270 and 370 MiB for as long as it works (measured over 150,000 operations). So it is
 * the highest that must not rise.
 */
const WARM_UP = 60_000;
const SAMPLE_MS = 50;
const LOGGED_WITHIN_MS = 1_000;
const OPERATIONS = 50_000;
const AT_ONCE = 64;
const MIB = 1_048_576;

/** Of each hundred requests, which the upstream answers well. */
const CLIENT_LEAVES = 98;
const CLIENT_RETRIES = 99;

const store = storeFile();
let upstream: ChildProcessByStdio<Writable, Readable, null>;
let gateway: GatewayProcess;
let clients: Pool;
beforeAll(async () => {
  const program = new URL("soak-upstream.ts", import.meta.url).pathname;
  upstream = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  const [url] = (await once(upstream.stdout, "data")) as [Buffer];
  gateway = await startGatewayProcess({
    ONCEGATE_UPSTREAM_URL: url.toString().trim(),
    ONCEGATE_STORE: store.url,
    ONCEGATE_UPSTREAM_TIMEOUT: "5s", // what is not silent answers within that, however slow the machine
  });
  clients = new Pool(gateway.url, { maxHeaderSize: 100_000 });
});
afterAll(async () => {
  await clients.destroy();
  await gateway.kill();
  upstream.stdin.end();
  store.remove();
});

/** Of the gateway's process, as Linux tells. */
const rss = (): number =>
  1_024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, "utf8"))?.[1]);

function sockets(): number {
  const folder = `/proc/${gateway.pid}/fd`;
  const targets = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`);
    } catch {
      return ""; // closed meanwhile
    }
  });
  return targets.filter((target) => target.startsWith("socket:")).length;
}

const isSilent = (fate: Fate): boolean => fate.kind === "unknown" && fate.reason === "upstream-silent";

function statusOf(fate: Fate): number {
  switch (fate.kind) {
    case "completed":
    case "released":
      return fate.status;
    case "unknown":
      return isSilent(fate) ? 504 : 502;
    case "never-sent":
      return 503;
    case "not-kept":
      return 0;
  }
}

/** 0 where the connection broke. */
async function post(n: number, signal?: AbortSignal): Promise<number> {
  try {
    const answer = await clients.request({
      ...(signal === undefined ? {} : { signal }),
      method: "POST",
      path: `/soak/${n}`,
      headers: { "x-idempotency-key": `soak-${n}`, "content-type": "application/json" },
      body: `{"number":${n}}`,
    });
    await answer.body.arrayBuffer();
    return answer.statusCode;
  } catch {
    return 0;
  }
}

/** What was answered otherwise than it should be, of one operation. */
async function wrongOf(n: number): Promise<string[]> {
  if (n % 100 === CLIENT_LEAVES) {
    const leaving = new AbortController();
    setImmediate(() => leaving.abort());
    await post(n, leaving.signal);
    return [];
  }
  const { does, fate } = faultOf(n);
  const statuses = [await post(n), ...(n % 100 === CLIENT_RETRIES ? [await post(n)] : [])];
  return statuses.filter((status) => status !== statusOf(fate)).map((status) => `${n} ${does}: ${status}`);
}

async function run(from: number, to: number): Promise<string[]> {
  const wrong: Promise<string[]>[] = [];
  let next = from;
  const client = async (): Promise<void> => {
    while (next < to) {
      const n = next++;
      const operation = wrongOf(n);
      wrong.push(operation);
      if (!isSilent(faultOf(n).fate)) await operation; // a client that is kept waiting is none of those at once
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return (await Promise.all(wrong)).flat();
}

/**
 * A third of the faults close the connection, some of them behind an answer and without a word. Where the next request has left by
 * then its outcome is unknown, and that must be said: measured of 1 to 2 in 50,000 on a quiet machine. One in so many at most.
 */
const MOST_OVERTAKEN = 2_000;
const OVERTAKEN =
  /"path":"\/soak\/(\d+)","status":502,"outcome":"unknown",.*"why":"(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)"/g;

/** Whose outcome is unknown although the upstream would have answered: by the log, which is written a little later. */
async function overtakenSince(from: number): Promise<ReadonlySet<number>> {
  await sleep(LOGGED_WITHIN_MS);
  const numbers = [...gateway.text().matchAll(OVERTAKEN)].map(([, number]) => Number(number));
  return new Set(numbers.filter((number) => number >= from && faultOf(number).fate.kind !== "unknown"));
}

/** The most that the process had while these ran, all of which were answered as they should. */
async function peakOf(from: number, to: number): Promise<number> {
  let most = rss();
  const sampling = setInterval(() => (most = Math.max(most, rss())), SAMPLE_MS);
  try {
    const wrong = await run(from, to);
    const overtaken = await overtakenSince(from);
    expect(wrong.filter((what) => !overtaken.has(Number.parseInt(what, 10)))).toEqual([]);
    expect(overtaken.size).toBeLessThan((to - from) / MOST_OVERTAKEN);
  } finally {
    clearInterval(sampling);
  }
  return most;
}

test("50,000 operations, one in a hundred with each fault, leave nothing behind", async () => {
  const socketsBefore = sockets();
  const before = await peakOf(0, WARM_UP);
  const startedAt = performance.now();
  const growth = (await peakOf(WARM_UP, WARM_UP + OPERATIONS)) - before;
  const took = performance.now() - startedAt;
  await clients.close();
  await until("every socket is closed", () => sockets() <= socketsBefore);
  process.stdout.write(
    `soak: ${OPERATIONS} operations, ${FAULTS.length} faults, ${Math.round(took / 1_000)} s, ` +
      `RSS at most ${Math.round(before / MIB)} + ${Math.round(growth / MIB)} MiB, ${sockets()} sockets as before\n`,
  );
  expect(growth).toBeLessThanOrEqual(64 * MIB);
  expect(gateway.text()).not.toMatch(/MaxListenersExceededWarning|uncaught/i);
}, 900_000);
