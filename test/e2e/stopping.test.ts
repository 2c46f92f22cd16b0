import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { startGatewayProcess } from "../support/gateway.ts";
import { freePort } from "../support/redis-server.ts";
import { INVOICE, startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { post } from "./keyed-post.ts";
import { storeFile } from "./store-file.ts";
import type { StoreFile } from "./store-file.ts";

let api: SampleApi;
let store: StoreFile;
const ending: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  api = await startSampleApi();
  store = storeFile();
});
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
  await api.close();
  store.remove();
});

test("an operation whose upload ends after the signal is executed to its end, although its client leaves", async () => {
  const env = { ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: store.url };
  const gateway = await startGatewayProcess(env);
  ending.push(() => gateway.kill());
  const body = JSON.stringify(INVOICE);
  const head = `POST /invoices HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer customer-1\r\nContent-Type: application/json\r\nX-Idempotency-Key: late\r\nX-Sample-Fault: delay:2000\r\nContent-Length: ${body.length}\r\n\r\n`;
  const client = connect(Number(new URL(gateway.url).port), "127.0.0.1", () => client.write(head + body.slice(0, 10)));
  await until("the upload is under way", async () =>
    /^oncegate_in_flight 1$/m.test(await (await fetch(`${gateway.adminUrl}/metrics`)).text()),
  );
  gateway.signal("SIGINT");
  await gateway.logged((line) => line.msg.startsWith("stopping"));
  client.write(body.slice(10));
  await until("the operation is claimed", () => store.records() === 1);
  client.destroy();
  expect(await gateway.exited).toBe(0);
  expect(await api.count("/invoices")).toBe(1);

  const next = await startGatewayProcess(env);
  ending.push(() => next.kill());
  const retry = await post(next.url, "late", { headers: { "x-sample-fault": "delay:2000" } });
  expect([retry.status, retry.isReplay]).toEqual([201, true]);
});

test("a signal that comes twice at once is one: npm passes on what a terminal sends to both", async () => {
  const gateway = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: store.url });
  ending.push(() => gateway.kill());
  const running = post(gateway.url, "echo", { fault: "delay:1000" });
  await until("the operation is claimed", () => store.records() === 1);
  gateway.signal("SIGINT");
  gateway.signal("SIGINT");
  expect((await running).status).toBe(201);
  expect(await gateway.exited).toBe(0);
  expect(gateway.lines.at(-1)).toMatchObject({ msg: "stopped" });
});

test("a full disk behind its log neither stops it nor keeps it from stopping", async () => {
  const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
  const [port, adminPort] = [await freePort(), await freePort()];
  const child: ChildProcess = spawn(process.execPath, [main], {
    stdio: ["ignore", openSync("/dev/full", "w"), "ignore"],
    env: {
      ONCEGATE_UPSTREAM_URL: api.url,
      ONCEGATE_STORE: store.url,
      ONCEGATE_LISTEN: `127.0.0.1:${port}`,
      ONCEGATE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
    },
  });
  const exited = once(child, "exit");
  ending.push(async () => child.kill("SIGKILL"));
  const ready = () =>
    fetch(`http://127.0.0.1:${adminPort}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until("it is ready", ready);
  for (const key of ["1", "2", "3"]) expect((await post(`http://127.0.0.1:${port}`, key)).status).toBe(201);
  expect(await ready()).toBe(true);
  child.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
});
