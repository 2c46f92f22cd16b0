import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Agent } from "undici";
import { startRedis } from "../test/support/redis-server.ts";
import { startGateway } from "./contestants.ts";
import { endPrograms } from "./program.ts";
import type { Program } from "./program.ts";
import { alignedTable, median } from "./table.ts";

/**
 * npm run bench:queue -- [--waiters 500] [--turn 15]
 *
 * So many edits of one document at nearly the same moment, through two gateways, to an API that takes `turn` ms for each: who is served,
 * in which order, who is dropped after how long, and what that costs. Throws where two ran at once, one ran twice, or one waited for ever.
 */
const { values } = parseArgs({
  options: { waiters: { type: "string", default: "500" }, turn: { type: "string", default: "15" } },
});
const [waiters, turnMs] = [Number(values.waiters), Number(values.turn)];
const WAIT_MS = 5_000;
/** Apart, so that the order in which they are sent is one. */
const APART_MS = 2;
const RULES = {
  version: 1,
  rules: [
    {
      name: "edit",
      match: { path: "/documents", bodyPresent: ["id"] },
      scope: ["header:x-customer"],
      serialize: { document: "body:id", wait: `${WAIT_MS}ms` },
    },
  ],
};

type Told = { edit: number; status: number; sentAt: number; ms: number };

const folder = mkdtempSync(join(tmpdir(), "oncegate-queue-"));
process.once("exit", () => {
  endPrograms();
  rmSync(folder, { recursive: true, force: true });
});
const rules = join(folder, "rules.json");
writeFileSync(rules, JSON.stringify(RULES));

let ran: number[] = [];
let atOnce = 0;
const api = createServer((request, response) => {
  if (++atOnce > 1) throw new Error("two edits of one document at once");
  void json(request).then(async (body) => {
    ran.push((body as { edit: number }).edit);
    await sleep(turnMs);
    atOnce--;
    response.end("{}");
  });
}).listen(0, "127.0.0.1");
await once(api, "listening");
const upstream = { url: `http://127.0.0.1:${(api.address() as AddressInfo).port}` };

const redis = await startRedis();
const cells: string[][] = [];
for (const [name, store] of [
  ["redis", redis.url],
  ["sqlite", `sqlite:${join(folder, "queue.db")}`],
] as const)
  cells.push([name, ...(await measure(store))]);
console.log(
  alignedTable(
    [
      "store",
      "served",
      "dropped",
      "overtaken by ms",
      "last served ms",
      "dropped after ms",
      "most ms",
      "CPU %",
      "RSS + MiB",
      "left MiB",
    ],
    cells,
    1,
  ),
);
await redis.close();
process.exit();

async function measure(store: string): Promise<string[]> {
  const gateways = await Promise.all(
    [1, 2].map(() => startGateway(upstream, store, folder, { ONCEGATE_RULES: rules })),
  );
  const clients = new Agent({ connections: waiters, pipelining: 1 });
  for (const [i, { url }] of [...gateways, ...gateways].entries()) await send(clients, url, -1 - i, `other-${i}`);
  ran = [];
  const sum = (of: (one: Program) => number): number => gateways.reduce((total, one) => total + of(one), 0);
  const [cpu, rss, from] = [sum((one) => one.cpuSeconds()), sum((one) => one.rssMiB()), performance.now()];
  let peak = rss;
  const watch = setInterval(
    () =>
      (peak = Math.max(
        peak,
        sum((one) => one.rssMiB()),
      )),
    100,
  );
  const told: Promise<Told>[] = [];
  for (let one = 0; one < waiters; one++) {
    told.push(send(clients, gateways[one % 2]!.url, one, "the-one"));
    await sleep(APART_MS);
  }
  const all = await Promise.all(told);
  const seconds = (performance.now() - from) / 1_000;
  const cpuPercent = ((sum((one) => one.cpuSeconds()) - cpu) / seconds) * 100;
  clearInterval(watch);
  await sleep(2_000);
  const left = sum((one) => one.rssMiB()) - rss;

  const [served, dropped] = [all.filter(({ status }) => status === 200), all.filter(({ status }) => status === 503)];
  if (served.length + dropped.length !== waiters)
    throw new Error(`other answers: ${all.map(({ status }) => status).join()}`);
  if (ran.length !== served.length || new Set(ran).size !== ran.length)
    throw new Error("one ran twice, or ran and was dropped");
  const most = Math.max(...all.map(({ ms }) => ms));
  if (most > WAIT_MS + 2_000) throw new Error(`one waited for ${most} ms`);
  return [
    String(served.length),
    String(dropped.length),
    overtaken(all).toFixed(0),
    Math.max(...served.map(({ ms }) => ms)).toFixed(0),
    dropped.length === 0 ? "-" : median(dropped.map(({ ms }) => ms)).toFixed(0),
    most.toFixed(0),
    cpuPercent.toFixed(0),
    (peak - rss).toFixed(0),
    left.toFixed(0),
  ];
}

/** By how many ms at most one ran behind another that was sent later. The order is the one in which the store heard of them. */
function overtaken(all: readonly Told[]): number {
  let [newest, most] = [0, 0];
  for (const one of ran) {
    const { sentAt } = all[one]!;
    newest = Math.max(newest, sentAt);
    most = Math.max(most, newest - sentAt);
  }
  return most;
}

async function send(dispatcher: Agent, url: string, edit: number, id: string): Promise<Told> {
  const sentAt = performance.now();
  const { statusCode: status, body } = await dispatcher.request({
    origin: url,
    path: "/documents",
    method: "POST",
    headers: { "content-type": "application/json", "x-customer": "acme" },
    body: JSON.stringify({ id, edit }),
  });
  await body.dump();
  return { edit, status, sentAt, ms: performance.now() - sentAt };
}
