import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { INVOICE } from "../support/sample-api.ts";
import { post, seen } from "./keyed-post.ts";
import { oneGateway } from "./one-gateway.ts";
import type { OneGateway } from "./one-gateway.ts";
import { answersIn, openRaw, rawAnswer, rawPost, wholeAnswer } from "./raw-bytes.ts";
import type { RawAnswer } from "./raw-bytes.ts";
import { until } from "../support/until.ts";

const LIMIT = 1_048_576;

let { api, store, gateway, end } = {} as OneGateway;
let key: string;
let before: { invoices: number; records: number };
beforeAll(async () => {
  ({ api, store, gateway, end } = await oneGateway({ ONCEGATE_CLIENT_WAIT: "1s", ONCEGATE_MAX_REQUEST_BODY: "1mb" }));
});
afterAll(() => end());
beforeEach(async () => {
  key = randomUUID();
  before = await left();
});

const left = async () => ({ invoices: await api.count("/invoices"), records: store.records() });

const BODY = JSON.stringify(INVOICE);
const lines = (...more: string[]): string[] => [
  "Content-Type: application/json",
  "Authorization: Bearer customer-1",
  `x-idempotency-key: ${key}`,
  ...more,
];

function expectProblem(answer: RawAnswer | undefined, status: number, code: string): void {
  expect([answer?.status, answer?.headers.get("content-type")]).toEqual([status, ["application/problem+json"]]);
  expect(JSON.parse(answer?.body ?? "")).toMatchObject({ code, status });
}

/** What the bad request left in the oracle and in the store, and whether its key still executes. */
async function aftermath(): Promise<{ invoices: number; records: number; retry: string }> {
  const after = await left();
  const good = await post(gateway.url, key);
  return {
    invoices: after.invoices - before.invoices,
    records: after.records - before.records,
    retry: good.isReplay ? "replayed" : String(good.status),
  };
}
const NOTHING_LEFT = { invoices: 0, records: 0, retry: "201" };

describe("a body over the limit", () => {
  test.each([
    ["announced by Content-Length", () => rawPost(lines(`Content-Length: ${LIMIT + 1}`), BODY)],
    [
      "in chunks",
      () =>
        rawPost(
          lines("Transfer-Encoding: chunked"),
          `${(LIMIT + 1).toString(16)}\r\n${"x".repeat(LIMIT + 1)}\r\n0\r\n\r\n`,
        ),
    ],
  ])("%s is 413, the connection is closed and nothing is left", async (_how, request) => {
    const connection = await openRaw(gateway.url);
    connection.send(request());
    await connection.ended;
    const answers = answersIn(connection.received());
    expect(answers).toHaveLength(1);
    expectProblem(answers[0], 413, "body-too-large");
    expect(answers[0]?.headers.get("connection")).toEqual(["close"]);
    expect(await aftermath()).toEqual(NOTHING_LEFT);
  });

  test("is refused to a client that first sends all of it and then reads", async () => {
    const body = Buffer.alloc(8 * LIMIT, "x");
    for (let i = 0; i < 5; i++) {
      const answer = await seen(
        await fetch(`${gateway.url}/samples`, { method: "POST", headers: { "x-idempotency-key": key }, body }),
      );
      expect([answer.status, answer.code]).toEqual([413, "body-too-large"]);
    }
    expect(await aftermath()).toEqual(NOTHING_LEFT);
  });

  test("passes where it is as long as the limit", async () => {
    const body = "x".repeat(LIMIT);
    const answer = await post(gateway.url, key, { path: "/samples", body, headers: { "content-type": "text/plain" } });
    expect(answer.status).toBe(201);
    const kept = await (await fetch(`${api.url}/samples`)).text();
    expect(kept).toContain(createHash("sha256").update(body).digest("hex"));
  });
});

describe("a cut upload claims nothing:", () => {
  const CUTS: [string, () => string][] = [
    ["shorter than its Content-Length", () => rawPost(lines(`Content-Length: ${BODY.length}`), BODY.slice(0, 20))],
    ["without its last chunk", () => rawPost(lines("Transfer-Encoding: chunked"), `14\r\n${BODY.slice(0, 20)}\r\n`)],
  ];
  test.each(CUTS)("%s, by a client that still listens", async (_how, request) => {
    const connection = await openRaw(gateway.url);
    connection.send(request());
    connection.socket.end();
    await connection.ended;
    const answers = answersIn(connection.received());
    expect(answers).toHaveLength(1);
    expectProblem(answers[0], 400, "bad-request");
    expect(await aftermath()).toEqual(NOTHING_LEFT);
  });

  test.each(CUTS)("%s, by a client that is gone", async (_how, request) => {
    const connection = await openRaw(gateway.url);
    connection.send(request());
    const linesBefore = gateway.lines.length;
    await until("the gateway reads it", () => connection.socket.writableLength === 0);
    connection.socket.resetAndDestroy();
    await until("the gateway notices", () => gateway.lines.length > linesBefore);
    expect(await aftermath()).toEqual(NOTHING_LEFT);
  });
});

describe("a body that does not fit its length", () => {
  test("is a 400 where a chunk has no size, and nothing is left", async () => {
    const request = rawPost(lines("Transfer-Encoding: chunked"), `14\r\n${BODY.slice(0, 20)}\r\nzz\r\n`);
    expectProblem(await rawAnswer(gateway.url, request), 400, "bad-request");
    expect(await aftermath()).toEqual(NOTHING_LEFT);
  });

  test.each(["-1", "abc", "1, 2", "0x10"])(
    "is a 400 where Content-Length is %s, and nothing is left",
    async (length) => {
      expectProblem(
        await rawAnswer(gateway.url, rawPost(lines(`Content-Length: ${length}`), BODY)),
        400,
        "bad-request",
      );
      expect(await aftermath()).toEqual(NOTHING_LEFT);
    },
  );

  test("is a 400 where two lengths are given, and nothing is left", async () => {
    for (const second of [`Content-Length: ${BODY.length - 1}`, "Transfer-Encoding: chunked"]) {
      const request = rawPost(lines(`Content-Length: ${BODY.length}`, second), BODY);
      expectProblem(await rawAnswer(gateway.url, request), 400, "bad-request");
    }
    expect(await aftermath()).toEqual(NOTHING_LEFT);
  });

  test("that is longer: the operation gets its own answer, and what is behind it is refused", async () => {
    const connection = await openRaw(gateway.url);
    const request = rawPost(lines(`Content-Length: ${BODY.length}`, "x-sample-fault: delay-after:200"), `${BODY}rest`);
    connection.send(request);
    await connection.ended;
    const [first, second] = answersIn(connection.received());
    expect(first?.status).toBe(201); // not "nothing was kept or sent on": the invoice is there
    expect(await left()).toEqual({ invoices: before.invoices + 1, records: before.records + 1 });
    if (second !== undefined) expectProblem(second, 400, "bad-request");
    expect((await post(gateway.url, key)).text).toBe(first?.body);
  });
});

test("a body that does not arrive in time is refused, its connection closed, and nothing is left", async () => {
  const connection = await openRaw(gateway.url);
  connection.send(rawPost(lines(`Content-Length: ${BODY.length}`)));
  const dripping = setInterval(() => connection.send("{"), 200);
  const answer = await until("a refusal", () => wholeAnswer(connection.received()));
  clearInterval(dripping);
  expectProblem(answer, 400, "bad-request");
  expect(JSON.parse(answer.body)).toMatchObject({ detail: expect.stringContaining("did not arrive in time") });
  await connection.ended;
  expect(await aftermath()).toEqual(NOTHING_LEFT);
});

test("malformed JSON is judged by the backend, its 400 passed on and released", async () => {
  const malformed = '{"customer": "Acme';
  const direct = await post(api.url, undefined, { body: malformed });
  const [first, retry] = [
    await post(gateway.url, key, { body: malformed }),
    await post(gateway.url, key, { body: malformed }),
  ];
  expect([first.status, first.text]).toEqual([400, direct.text]);
  expect([retry.status, retry.text, retry.isReplay]).toEqual([400, direct.text, false]);
  expect(await aftermath()).toEqual(NOTHING_LEFT);
});

test("malformed JSON that the backend accepts is told from other malformed JSON by its bytes", async () => {
  const send = (body: string) => post(gateway.url, key, { path: "/samples", body });
  const first = await send('{"a":1,}');
  expect(first.status).toBe(201);
  expect((await send('{"a": 1,}')).code).toBe("key-reused");
  const retry = await send('{"a":1,}');
  expect([retry.text, retry.isReplay]).toEqual([first.text, true]);
});
