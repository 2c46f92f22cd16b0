import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { openRaw, wholeAnswer } from "../e2e/raw-bytes.ts";
import { recordingUpstream } from "../e2e/recording-upstream.ts";
import type { RecordingUpstream } from "../e2e/recording-upstream.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Answer, Sent } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { STORES } from "../support/test-store.ts";
import type { TestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";

/** A rule that only observes stops nothing. */
let upstream: RecordingUpstream;
let store: TestStore;
let gateway: OpenGateway;
let executed: number;
let answer: (res: ServerResponse) => void;
beforeEach(async () => {
  upstream = await recordingUpstream();
  store = await STORES[0]![1]();
  executed = 0;
  answer = (res) => void res.writeHead(201).end(`made ${executed}`);
  upstream.answer = (req, res) => {
    req.resume();
    executed++;
    answer(res);
  };
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
  await store.destroy();
});

async function open(env: Record<string, string> = { ONCEGATE_MODE: "observe" }, rules?: string): Promise<void> {
  const given = rules === undefined ? {} : { rules };
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url, ONCEGATE_STORE: store.url, ...env }, given);
  await untilReady(gateway);
}
const post = ({ headers = {}, body = "{}" }: Sent = {}): Promise<Answer> =>
  send(`${gateway.url}/invoices`, { headers: { "idempotency-key": "k", ...headers }, body });
/** What was counted, and what the last log line of a request says. */
async function noted(): Promise<Record<string, unknown>> {
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const counted = [...metrics.matchAll(/^oncegate_observed_total\{rule="(.+)",outcome="(.+)"\} (\d+)$/gm)];
  const line = gateway.lines
    .map((text) => JSON.parse(text) as Record<string, unknown>)
    .findLast(({ msg }) => msg === "request");
  return {
    counted: counted.map(([, rule, outcome, count]) => `${rule} ${outcome} ${count}`),
    outcome: line?.["outcome"],
    observed: line?.["observed"],
  };
}

test("repetitions are passed on, counted and logged; enforcing finds the records that observing made", async () => {
  await open();
  expect([String((await post()).body), await noted()]).toEqual(["made 1", { counted: [], outcome: "completed" }]);
  expect([String((await post()).body), await noted()]).toEqual([
    "made 2",
    { counted: ["default replayed 1"], outcome: "pass-through", observed: "replayed" },
  ]);
  await gateway.close();
  await open({});
  const replayed = await post();
  expect([replayed.replayed, String(replayed.body), executed]).toEqual([true, "made 1", 2]);
});

describe("passed on, counted and logged is", () => {
  test.each<[string, Sent, Record<string, string>, string]>([
    ["another payload", { body: "other" }, {}, "key-reused"],
    ["no key where there must be one", { headers: { "idempotency-key": "" } }, {}, "key-invalid"],
    ["a key that is too long", { headers: { "idempotency-key": "k".repeat(300) } }, {}, "key-invalid"],
    ["a request without a scope", {}, { ONCEGATE_SCOPE: "header:x-tenant" }, "scope-missing"],
    [
      "a body that is larger than an operation's",
      { body: "x".repeat(2_000) },
      { ONCEGATE_MAX_REQUEST_BODY: "1kb" },
      "body-too-large",
    ],
  ])("%s", async (_, sent, env, code) => {
    await open({ ONCEGATE_MODE: "observe", ...env });
    await post();
    const before = executed;
    const said = await post(sent);
    expect([said.status, executed - before, (await noted())["observed"]]).toEqual([201, 1, code]);
  });

  test.each([
    ["is larger than an operation's", { ONCEGATE_MAX_REQUEST_BODY: "100kb" }, "body-too-large"],
    ["is more than may be held", { ONCEGATE_MAX_BUFFERED: "1mb" }, "overloaded"],
  ])("an upload in chunks that %s, whole and as it comes", async (_, env, code) => {
    await open({ ONCEGATE_MODE: "observe", ...env });
    const begun = Promise.withResolvers<void>();
    let received = Buffer.alloc(0);
    upstream.answer = (req, res) => {
      req.on("data", (piece: Buffer) => {
        received = Buffer.concat([received, piece]);
        begun.resolve();
      });
      req.once("end", () => res.writeHead(201, { "content-length": 4 }).end("made"));
    };
    const client = await openRaw(gateway.url);
    const piece = randomBytes(300_000).toString("hex");
    const chunk = `${piece.length.toString(16)}\r\n${piece}\r\n`;
    client.send(`POST /invoices HTTP/1.1\r\nHost: h\r\nIdempotency-Key: k\r\nTransfer-Encoding: chunked\r\n\r\n`);
    client.send(chunk + chunk);
    await begun.promise; // while the rest is still to come
    client.send(`${chunk}0\r\n\r\n`);
    expect(await until("an answer", () => wholeAnswer(client.received()))).toMatchObject({ status: 201, body: "made" });
    expect(received.toString() === piece + piece + piece).toBe(true);
    client.socket.destroy();
    await until("it is logged", async () => (await noted())["observed"] === code);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/^oncegate_buffered_bytes 0$/m);
  });

  test("a request that comes while the first runs", async () => {
    await open();
    const running = Promise.withResolvers<ServerResponse>();
    answer = running.resolve;
    const first = post();
    const res = await running.promise;
    answer = (other) => void other.writeHead(201).end("second");
    const second = await post({ headers: { prefer: "wait=100" } });
    expect([String(second.body), (await noted())["observed"]]).toEqual(["second", "operation-in-flight"]);
    res.writeHead(201).end("first");
    expect(String((await first).body)).toBe("first");
  });

  test("a retry of what is unknown, and one with another credential", async () => {
    await open({ ONCEGATE_MODE: "observe", ONCEGATE_SCOPE: "header:x-tenant" });
    const headers = { "x-tenant": "t" };
    answer = (res) => void res.writeHead(504).end();
    await post({ headers });
    await post({ headers });
    expect((await noted())["observed"]).toBe("outcome-unknown");
    answer = (res) => void res.writeHead(201).end();
    await post({ headers: { ...headers, "idempotency-key": "k2" } });
    await post({ headers: { ...headers, "idempotency-key": "k2", authorization: "Bearer t2" } });
    expect((await noted())["observed"]).toBe("credential-changed");
  });

  test("everything, while the store is away", async () => {
    await open();
    store.fail();
    const said = await post();
    expect([said.status, executed, (await noted())["observed"]]).toEqual([201, 1, "store-unavailable"]);
    store.recover();
  });
});

test("a client is waited for as long as the API works", async () => {
  await open({ ONCEGATE_MODE: "observe", ONCEGATE_CLIENT_WAIT: "1s" });
  answer = (res) => void setTimeout(() => res.writeHead(201).end("late"), 1_500);
  expect(String((await post()).body)).toBe("late");
});

test("one rule may observe while the others enforce, and the other way round", async () => {
  await open(
    {},
    "{ version: 1, rules: [{ name: trial, match: { path: /trial }, mode: observe, schema: { type: object, required: [a] } }] }",
  );
  const trial = () =>
    send(`${gateway.url}/trial`, {
      headers: { "idempotency-key": "k", "content-type": "application/json" },
      body: "{}",
    });
  expect([(await trial()).status, (await noted())["counted"]]).toEqual([201, ["trial validation-failed 1"]]);
  await post();
  expect((await post()).replayed).toBe(true);
  await gateway.close();
  await open(
    { ONCEGATE_MODE: "observe" },
    "{ version: 1, rules: [{ name: a, match: { path: /invoices }, mode: enforce }] }",
  );
  expect((await post()).replayed).toBe(true);
});

test.each<[string, string, Sent, string]>([
  ["a retry that would be rejected", "onCompleted: reject", {}, "already-completed"],
  [
    "a duplicate",
    'duplicates: { fields: ["header:x-number"], then: reject }',
    { headers: { "idempotency-key": "other" } },
    "duplicate",
  ],
  [
    "what an open circuit would keep back",
    "breaker: { failures: 1, coolOff: 1h }",
    { headers: { "idempotency-key": "other" } },
    "circuit-open",
  ],
])("passed on, counted and logged is %s", async (_, field, { headers }, code) => {
  await open({}, `{ version: 1, rules: [{ name: a, match: { path: /invoices }, mode: observe, ${field} }] }`);
  answer = (res) => void res.writeHead(code === "circuit-open" ? 500 : 201).end();
  await post({ headers: { "x-number": "7" } });
  expect((await post({ headers: { "x-number": "7", ...headers } })).code).toBeUndefined();
  expect([executed, (await noted())["counted"]]).toEqual([2, [`a ${code} 1`]]);
});

test("a body that is not read is not passed on where a rule that enforces could govern it", async () => {
  await open(
    { ONCEGATE_MAX_REQUEST_BODY: "1kb" },
    "{ version: 1, rules: [{ name: trial, match: { body: { kind: trial } }, mode: observe }] }",
  );
  const large = await post({ body: "x".repeat(2_000) });
  expect([large.status, large.code, executed]).toEqual([413, "body-too-large", 0]);
});

test("nobody waits for a document's turn where its rule only observes", async () => {
  await open(
    {},
    '{ version: 1, rules: [{ name: edits, match: {}, mode: observe, serialize: { document: "header:x-document" } }] }',
  );
  const held: ServerResponse[] = [];
  answer = (res) => void held.push(res);
  const edits = [1, 2].map((n) => post({ headers: { "x-document": "7", "idempotency-key": `k${n}` } }));
  await until("both are with the API", () => held.length === 2);
  for (const res of held) res.writeHead(200).end();
  expect((await Promise.all(edits)).map(({ status }) => status)).toEqual([200, 200]);
});
