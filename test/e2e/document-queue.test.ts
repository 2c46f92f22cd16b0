import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { send, untilReady } from "../support/installation.ts";
import { STORES } from "../support/test-store.ts";
import type { TestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";

const GATEWAYS = 3;
const EDITS = 200;
const DOCUMENTS = 5;
/** Every so many edits, the gateway that holds a turn at that moment is killed. */
const KILL_EVERY = 40;
const WAIT_MS = 5_000;
const LEASE_MS = 2_000;

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

/** One edit as its API saw it. */
type Run = { edit: number; document: number; from: number; to: number | undefined };
/** One edit as its client saw it. */
type Told = { edit: number; outcome: string; sentAt: number; ms: number };
/** Who is sent so much later is not the first to arrive, however slow a gateway is. */
const SURELY_LATER_MS = 1_000;

describe.each(STORES)("three gateways on %s", (_name, start) => {
  let store: TestStore;
  let gateways: GatewayProcess[];
  let api: Server;
  let folder: string;
  let runs: Run[];
  const env = (): Record<string, string> => ({
    ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
    ONCEGATE_STORE: store.url,
    ONCEGATE_RULES: join(folder, "rules.json"),
    ONCEGATE_LEASE: `${LEASE_MS}ms`,
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "oncegate-queue-"));
    writeFileSync(join(folder, "rules.json"), JSON.stringify(RULES));
    runs = [];
    store = await start();
    api = createServer((req, res) => void work(req, res)).listen(0, "127.0.0.1");
    await once(api, "listening");
    gateways = await Promise.all(Array.from({ length: GATEWAYS }, () => startGatewayProcess(env())));
    await Promise.all(gateways.map(untilReady));
  });
  afterEach(async () => {
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    api.closeAllConnections();
    api.close();
    await store.destroy();
    rmSync(folder, { recursive: true });
  });

  test(`${EDITS} edits of ${DOCUMENTS} documents, holders killed: in order for each document, never two at once, no wait for ever`, async () => {
    const told: Told[] = [];
    const sent: Promise<void>[] = [];
    let killed = 0;
    for (let edit = 0; edit < EDITS; edit++) {
      const document = edit % DOCUMENTS;
      sent.push(anEdit(edit, document).then((one) => void told.push(one)));
      await sleep(randomInt(5, 35));
      if (edit % KILL_EVERY !== KILL_EVERY - 1) continue;
      const running = await until("something runs", () => runs.find(({ to }) => to === undefined));
      const victim = running.edit % GATEWAYS;
      killed++;
      await gateways[victim]!.kill();
      gateways[victim] = await startGatewayProcess(env());
      await untilReady(gateways[victim]);
    }
    await Promise.all(sent);

    expect(told).toHaveLength(EDITS);
    const outcomes = Map.groupBy(told, ({ outcome }) => outcome);
    const [served, cut, busy] = ["200", "cut", "document-busy"].map((outcome) => outcomes.get(outcome) ?? []);
    const longest = Math.max(...[...served!, ...busy!].map(({ ms }) => ms));
    process.stdout.write(
      `${EDITS} edits: ${served!.length} served, ${busy!.length} dropped, ${cut!.length} cut by ${killed} kills; longest wait ${Math.round(longest)} ms\n`,
    );
    expect(served!.length + busy!.length + cut!.length).toBe(EDITS);
    expect(served!.length).toBeGreaterThan(EDITS / 2);
    expect(longest).toBeLessThan(WAIT_MS + 1_000);
    const ran = new Map(runs.map((run) => [run.edit, run]));
    expect(ran.size).toBe(runs.length); // none twice
    for (const { edit } of served!) expect(ran.has(edit)).toBe(true);
    for (const { edit } of busy!) expect(ran.has(edit)).toBe(false);

    const sentAt = new Map(told.map((one) => [one.edit, one.sentAt]));
    for (let document = 0; document < DOCUMENTS; document++) {
      const inTurn = runs.filter((run) => run.document === document).toSorted((one, other) => one.from - other.from);
      let newest = 0;
      for (const [i, run] of inTurn.entries()) {
        expect(inTurn[i - 1]?.to ?? 0).toBeLessThanOrEqual(run.from);
        const at = sentAt.get(run.edit)!;
        expect(newest - at).toBeLessThan(SURELY_LATER_MS);
        newest = Math.max(newest, at);
      }
    }
  }, 180_000);

  /** It takes its time, whether or not the one that asked is still there. */
  async function work(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const from = performance.now();
    const { edit, id } = JSON.parse(await text(req)) as { edit: number; id: number };
    const run: Run = { edit, document: id, from, to: undefined };
    runs.push(run);
    await sleep(randomInt(20, 60));
    run.to = performance.now();
    res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ edit }));
  }

  async function anEdit(edit: number, document: number): Promise<Told> {
    const sentAt = performance.now();
    const headers = { "content-type": "application/json", "x-customer": "one" };
    const { url } = gateways[edit % GATEWAYS]!;
    const answer = await send(`${url}/documents`, { headers, body: JSON.stringify({ edit, id: document }) }).catch(
      () => undefined,
    );
    const outcome = answer === undefined ? "cut" : (answer.code ?? String(answer.status));
    return { edit, outcome, sentAt, ms: performance.now() - sentAt };
  }
});
