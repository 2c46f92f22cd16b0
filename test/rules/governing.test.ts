import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { openRaw, wholeAnswer } from "../e2e/raw-bytes.ts";
import { echo, recordingUpstream, valuesOf } from "../e2e/recording-upstream.ts";
import type { Echo, RecordingUpstream } from "../e2e/recording-upstream.ts";
import { send, untilReady } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";

/** Which rule governs a request, and what becomes of a body that was read for nothing. */
const RULES = `
version: 1
rules:
  - name: create
    match: { path: /api/**, body: { request: [saveInvoice, savePayment] }, bodyAbsent: [id] }
    key: { from: ["body:uuid", "header:x-key"] }
  - name: edit
    match: { path: /api/**, body: { request: saveInvoice }, bodyPresent: [id] }
    key: { from: ["header:x-edit-key"], required: true }
  - name: removal
    match: { methods: [DELETE], path: /invoices/*, body: { really: "yes" } }
    key: { from: ["body:uuid"] }
`;
const FORM = { "content-type": "application/x-www-form-urlencoded" };

let upstream: RecordingUpstream;
let gateway: OpenGateway;
let received: number;
beforeEach(async () => {
  upstream = await recordingUpstream();
  received = 0;
  upstream.answer = (req, res) => {
    received++;
    return echo(req, res);
  };
  gateway = await openGateway(
    { ONCEGATE_UPSTREAM_URL: upstream.url, ONCEGATE_MAX_REQUEST_BODY: "64kb" },
    { rules: RULES },
  );
  await untilReady(gateway);
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const lineOf = (path: string): Record<string, unknown> => {
  const line = gateway.lines
    .map((text) => JSON.parse(text) as Record<string, unknown>)
    .findLast((one) => one["path"] === path);
  return line ?? {};
};
const buffered = async (): Promise<number> => {
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(/^oncegate_buffered_bytes (\d+)$/m.exec(metrics)?.[1]);
};

describe("the first rule that matches governs:", () => {
  test.each([
    ["a form", FORM, "request=saveInvoice&uuid=k1&total=1"],
    ["JSON", { "content-type": "application/json" }, '{"request":"saveInvoice","uuid":"k1"}'],
    [
      "multipart",
      { "content-type": "multipart/form-data; boundary=x" },
      '--x\r\nContent-Disposition: form-data; name="request"\r\n\r\nsavePayment\r\n--x\r\nContent-Disposition: form-data; name="uuid"\r\n\r\nk1\r\n--x--',
    ],
  ])("by fields of %s, with a key in the body", async (_, headers, body) => {
    const first = await send(`${gateway.url}/api/v1/`, { headers, body });
    const retry = await send(`${gateway.url}/api/v1/`, { headers, body });
    expect([first.status, first.replayed, retry.replayed, received]).toEqual([200, false, true, 1]);
    expect(retry.body).toEqual(first.body);
    expect(lineOf("/api/v1/")).toMatchObject({ rule: "create", outcome: "replayed" });
  });

  test("a field that must be absent may be there and empty, as forms send what was not filled in", async () => {
    await send(`${gateway.url}/api`, { headers: FORM, body: "request=saveInvoice&uuid=k1&id=" });
    expect(lineOf("/api")).toMatchObject({ rule: "create", outcome: "completed" });
    const edit = await send(`${gateway.url}/api`, { headers: FORM, body: "request=saveInvoice&uuid=k1&id=7" });
    expect([edit.status, edit.code, received]).toEqual([400, "key-missing", 1]);
    expect(edit.fields["detail"]).toContain("in x-edit-key");
  });

  test("a key in the body and another one in a header are a conflict", async () => {
    const answer = await send(`${gateway.url}/api`, {
      headers: { ...FORM, "x-key": "k2" },
      body: "request=saveInvoice&uuid=k1",
    });
    expect([answer.status, answer.code, received]).toEqual([400, "key-conflict", 0]);
  });

  test("two keys in one body are no key that could be guessed", async () => {
    const answer = await send(`${gateway.url}/api`, { headers: FORM, body: "request=saveInvoice&uuid=k1&uuid=k2" });
    expect([answer.status, answer.code, received]).toEqual([400, "key-invalid", 0]);
  });

  test("behind them the rule of the settings does, so that a path that a rule has mistyped is no less safe than without rules", async () => {
    for (const path of ["/API", "/elsewhere"]) {
      const headers = { "idempotency-key": `k${path}` };
      const answers = [
        await send(gateway.url + path, { headers, body: "a" }),
        await send(gateway.url + path, { headers, body: "a" }),
      ];
      expect(answers.map(({ replayed }) => replayed)).toEqual([false, true]);
      expect(lineOf(path)).toMatchObject({ rule: "default" });
    }
  });

  test("a path in another spelling is the same path", async () => {
    const body = "request=saveInvoice&uuid=k1";
    await send(`${gateway.url}/%61pi/v1`, { headers: FORM, body });
    expect(lineOf("/%61pi/v1")).toMatchObject({ rule: "create", outcome: "completed" });
  });

  test("a rule may name further methods", async () => {
    const removal = { method: "DELETE", headers: FORM, body: "really=yes&uuid=k1" };
    await send(`${gateway.url}/invoices/7`, removal);
    expect((await send(`${gateway.url}/invoices/7`, removal)).replayed).toBe(true);
    expect(received).toBe(1);
  });
});

describe("a body that was read for nothing passes on as it came,", () => {
  test.each([
    ["POST", "/api", "request=getInvoices&uuid=k1"],
    ["POST", "/api", "request=saveInvoice"],
    ["DELETE", "/invoices/7", "really=no"],
  ])("%s %s %s", async (method, path, body) => {
    const answers = [
      await send(gateway.url + path, { method, headers: FORM, body }),
      await send(gateway.url + path, { method, headers: FORM, body }),
    ];
    for (const answer of answers) {
      const said = answer.fields as Echo;
      expect([answer.status, answer.replayed, said.method, said.target, said.body]).toEqual([
        200,
        false,
        method,
        path,
        body,
      ]);
      expect(valuesOf(said, "content-length")).toEqual([String(body.length)]);
      expect(valuesOf(said, "content-type")).toEqual([FORM["content-type"]]);
    }
    expect(received).toBe(2);
    expect(lineOf(path)).toMatchObject({ outcome: "pass-through" });
    await until("nothing is held any more", async () => (await buffered()) === 0);
  });

  test.each(["POST", "DELETE"])("in chunks and with trailers too: %s", async (method) => {
    const client = await openRaw(gateway.url);
    const target = method === "POST" ? "/api" : "/invoices/7";
    client.send(
      `${method} ${target} HTTP/1.1\r\nHost: h\r\nContent-Type: ${FORM["content-type"]}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n`,
    );
    const { status, body } = await until("an answer", () => wholeAnswer(client.received()));
    expect([status, (JSON.parse(body) as Echo).body]).toEqual([200, "abcde"]);
    client.socket.destroy();
  });

  test("an empty one too", async () => {
    const answer = await send(`${gateway.url}/api`, {});
    expect([answer.status, (answer.fields as Echo).body]).toEqual([200, ""]);
  });

  test("a problem of the upstream's is told, and nothing stays held", async () => {
    await upstream.close();
    const answer = await send(`${gateway.url}/api`, { headers: FORM, body: "request=getInvoices" });
    expect([answer.status, answer.code]).toEqual([503, "upstream-unreachable"]);
    await until("nothing is held any more", async () => (await buffered()) === 0);
    upstream = await recordingUpstream();
  });

  test("where it is larger than an operation's, it is refused: it could be one", async () => {
    const answer = await send(`${gateway.url}/api`, { headers: FORM, body: "x".repeat(70_000) });
    expect([answer.status, answer.code, received]).toEqual([413, "body-too-large", 0]);
  });
});

test("where no rule looks at the body and there is no key, it is streamed, unread, whatever its length", async () => {
  const first = Promise.withResolvers<string>();
  upstream.answer = (req, res) => {
    req.once("data", (piece: Buffer) => first.resolve(piece.toString()));
    req.resume().once("end", () => res.end("done"));
  };
  const client = await openRaw(gateway.url);
  client.send(`POST /uploads HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nstart`);
  expect(await first.promise).toBe("start"); // while the rest is still to come
  client.send("x".repeat(99_995));
  expect(await until("an answer", () => wholeAnswer(client.received()))).toMatchObject({ status: 200, body: "done" });
  client.socket.destroy();
});
