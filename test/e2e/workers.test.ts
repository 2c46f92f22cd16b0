import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { kill } from "node:process";
import { runToItsEnd, startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { freePort, startRedis } from "../support/redis-server.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { post } from "./keyed-post.ts";
import { storeFile } from "./store-file.ts";

let api: SampleApi;
const ending: (() => unknown)[] = [];
beforeEach(async () => {
  api = await startSampleApi();
  ending.push(() => api.close());
});
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function startWith(store: string, more: Record<string, string> = {}): Promise<GatewayProcess> {
  const env = { ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: store, ONCEGATE_WORKERS: "3", ...more };
  const gateway = await startGatewayProcess(env);
  ending.push(() => gateway.kill());
  // Each writes its own log, 100 ms late at most: the gateway may say that it listens before its last worker's line is read.
  await until("the line of each worker", () => startedWorkers(gateway).length === 3);
  return gateway;
}

const startedWorkers = ({ lines }: GatewayProcess) => lines.filter(({ msg }) => msg === "worker started");
const pidsOf = (gateway: GatewayProcess): number[] => startedWorkers(gateway).map(({ pid }) => Number(pid));
const isAlive = (pid: number): boolean => {
  try {
    return kill(pid, 0);
  } catch {
    return false;
  }
};

async function stores(): Promise<[string, string][]> {
  const [redis, file] = [await startRedis(), storeFile()];
  ending.push(
    () => redis.close(),
    () => file.remove(),
  );
  return [
    ["redis", redis.url],
    ["sqlite", file.url],
  ];
}

describe("three workers on one port", () => {
  test("execute each of racing duplicates once, and are measured as one gateway", async () => {
    for (const [name, store] of await stores()) {
      const before = await api.count("/invoices");
      const gateway = await startWith(store);
      const answers = await Promise.all(Array.from({ length: 90 }, (_, i) => post(gateway.url, `${name} ${i % 9}`)));
      expect(answers.every(({ status }) => [201, 409].includes(status))).toBe(true);
      for (let i = 0; i < 9; i++) expect((await post(gateway.url, `${name} ${i}`)).isReplay).toBe(true);
      expect((await api.count("/invoices")) - before).toBe(9);

      const requests = () => gateway.lines.filter(({ msg }) => msg === "request");
      await until("the line of each request", () => requests().length === 99);
      expect(new Set(requests().map(({ worker }) => worker)).size).toBe(3);
      const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      const counted = [...metrics.matchAll(/^oncegate_requests_total\{.*\} (\d+)$/gm)];
      expect(counted.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(99);
      expect(metrics.match(/^oncegate_unknown_records 0$/gm)).toHaveLength(1);
      expect(metrics.match(/^# TYPE oncegate_in_flight gauge$/gm)).toHaveLength(1);
    }
  });

  test("one that dies gets a successor, and what it ran is unknown, not executed again", async () => {
    const listen = `127.0.0.1:${await freePort()}`; // which successors of all of them take, too
    const gateway = await startWith(storeFileUrl(), { ONCEGATE_LEASE: "2s", ONCEGATE_LISTEN: listen });
    const hanging = post(gateway.url, "lost", { fault: "hang" }).catch(() => "cut off");
    await until("it is executing", async () => (await list(gateway, "executing")).length === 1);
    for (const pid of pidsOf(gateway)) kill(pid, "SIGKILL");
    expect(await hanging).toBe("cut off");
    await until("three successors", () => startedWorkers(gateway).length === 6);
    const ended = () => gateway.lines.filter(({ msg }) => msg.startsWith("a worker ended")).length;
    await until("it is told of each", () => ended() >= 3);
    expect(ended()).toBe(3);
    expect((await post(gateway.url, "next")).status).toBe(201);
    const again = () => post(gateway.url, "lost", { fault: "hang" });
    await until("its lease is over", async () => (await again()).code === "outcome-unknown");
    expect(gateway.lines.filter(({ msg }) => msg === "oncegate started")).toHaveLength(1);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("end what runs on %s, then all of them", async (signal) => {
    const gateway = await startWith(storeFileUrl());
    const running = post(gateway.url, "running", { fault: "delay:3000" });
    await until("it is executing", async () => (await list(gateway, "executing")).length === 1);
    gateway.signal(signal);
    await until("not ready", async () => (await fetch(`${gateway.adminUrl}/ready`)).status === 503);
    expect((await running).status).toBe(201);
    expect(await gateway.exited).toBe(0);
    expect(pidsOf(gateway).filter(isAlive)).toEqual([]);
  });

  test("end what runs, and themselves, when their parent is killed", async () => {
    const store = storeFileUrl();
    const gateway = await startWith(store);
    const running = post(gateway.url, "orphan", { fault: "delay:3000" });
    await until("it is executing", async () => (await list(gateway, "executing")).length === 1);
    await gateway.kill();
    expect((await running).status).toBe(201);
    await until("no worker is left", () => !pidsOf(gateway).some(isAlive));
    const next = await startWith(store);
    expect((await post(next.url, "orphan", { fault: "delay:3000" })).isReplay).toBe(true);
  });

  test("do not start where one of them cannot, and say why", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    ending.push(() => taken.close());
    const { code, stderr } = await runToItsEnd({
      ONCEGATE_UPSTREAM_URL: api.url,
      ONCEGATE_STORE: storeFileUrl(),
      ONCEGATE_WORKERS: "2",
      ONCEGATE_LISTEN: `127.0.0.1:${(taken.address() as AddressInfo).port}`,
      ONCEGATE_ADMIN_LISTEN: "127.0.0.1:0",
    });
    expect(code).toBe(1);
    expect(stderr).toContain("another program listens there");
  });
});

function storeFileUrl(): string {
  const file = storeFile();
  ending.push(() => file.remove());
  return file.url;
}

async function list(gateway: GatewayProcess, state: string): Promise<unknown[]> {
  const answer = await fetch(`${gateway.adminUrl}/records?state=${state}`);
  return ((await answer.json()) as { records: unknown[] }).records;
}
