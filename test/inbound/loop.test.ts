import { afterEach, expect, test } from "@jest/globals";
import { echo, recordingUpstream } from "../e2e/recording-upstream.ts";
import { send } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { startHeldUpstream } from "../support/held-upstream.ts";
import { freePort } from "../support/redis-server.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});
async function gatewayTo(url: string, env: Record<string, string> = {}): Promise<OpenGateway> {
  const gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: url, ...env });
  open.push(gateway);
  return gateway;
}
const KEYED = { headers: { "idempotency-key": "k" }, body: "{}" };

test("a gateway whose upstream leads back to it says so the first time it sees its own request", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const front = await gatewayTo(url);
  const looping = await gatewayTo(front.url, { ONCEGATE_LISTEN: `127.0.0.1:${port}` });
  for (const sent of [KEYED, { method: "GET" }]) {
    const before = looping.lines.length;
    const answer = await send(`${looping.url}/invoices`, sent);
    expect([answer.status, answer.code]).toEqual([508, "loop"]);
    const outcomes = looping.lines.slice(before).map((line) => (JSON.parse(line) as { outcome: string }).outcome);
    expect(outcomes[0]).toBe("loop");
    expect(outcomes.length).toBeLessThanOrEqual(2); // the refused one, and the one that came first
  }
});

test("two gateways in a row are no loop", async () => {
  const upstream = await recordingUpstream();
  open.push(upstream);
  let requests = 0;
  upstream.answer = (req, res) => {
    requests++;
    return echo(req, res);
  };
  const inner = await gatewayTo(upstream.url);
  const edge = await gatewayTo(inner.url);
  const [first, retry] = [await send(edge.url, KEYED), await send(edge.url, KEYED)];
  expect([first.status, retry.status, retry.replayed, requests]).toEqual([200, 200, true, 1]);
  expect((await send(edge.url, { method: "GET" })).status).toBe(200);
});

test("nothing ran in a loop, so its answer is nobody's: once it is mended the same key executes", async () => {
  const port = await freePort();
  const front = await gatewayTo(`http://127.0.0.1:${port}`);
  const looping = await openGateway({ ONCEGATE_UPSTREAM_URL: front.url, ONCEGATE_LISTEN: `127.0.0.1:${port}` });
  try {
    expect((await send(front.url, KEYED)).code).toBe("loop");
  } finally {
    await looping.close();
  }
  const upstream = await startHeldUpstream(port);
  open.push(upstream);
  void upstream.arrived("mended").then((arrival) => arrival.created({ id: 1 }));
  const retry = { ...KEYED, headers: { ...KEYED.headers, "x-test": "mended" } };
  const { status, replayed } = await send(front.url, retry);
  expect([status, replayed]).toEqual([201, false]);
});
