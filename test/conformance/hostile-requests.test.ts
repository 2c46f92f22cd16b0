import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { echo, recordingUpstream, valuesOf } from "../e2e/recording-upstream.ts";
import type { Echo, RecordingUpstream } from "../e2e/recording-upstream.ts";
import { answersIn, openRaw, rawAnswer } from "../e2e/raw-bytes.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";
import { CHUNKS, FRAMINGS, UPGRADES } from "./hostile-bodies.ts";
import { FIELDS, PATHS, REQUEST_LINES, TARGETS } from "./hostile-heads.ts";
import type { HostileRow } from "./hostile-heads.ts";
import { ODD } from "./odd-requests.ts";

let upstream: RecordingUpstream;
let gateway: OpenGateway;
/** Requests whose head reached the upstream, and those that it took for whole. */
let [begun, whole]: [string[], string[]] = [[], []];
let before: { verbs: number; lines: number };

beforeAll(async () => {
  upstream = await recordingUpstream();
  upstream.answer = async (req, res) => {
    const target = String(req.url);
    begun.push(target);
    await echo(req, res).then(
      () => whole.push(target),
      () => res.destroy(),
    );
  };
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(async () => {
  [begun, whole] = [[], []];
  before = { verbs: await verbs(), lines: gateway.lines.length };
});

/** How many verbs the store was asked, but for the one that asking for metrics asks itself. */
async function verbs(): Promise<number> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const counts = text.matchAll(/^oncegate_store_seconds_count\{verb="(?!countUnknown)\w+",answered="\w+"\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

type Sample = { as: string; method: string; lines: string[] };

const CREDENTIALS = ["Authorization: Bearer a", "X-Api-Key: k", "Content-Type: text/plain"];
const OPERATION = { as: "as an operation", method: "POST", lines: [...CREDENTIALS, "X-Idempotency-Key: a"] };
const PASS_THROUGH = { as: "as pass-through", method: "PUT", lines: CREDENTIALS };
const KEYLESS = { as: "without a key", method: "POST", lines: CREDENTIALS };
const UPGRADE = { as: "", method: "GET", lines: [...CREDENTIALS, "Connection: Upgrade", "Upgrade: websocket"] };
const EMPTY = ["Content-Length: 0"];

function bytesOf({ line = "METHOD /invoices HTTP/1.1", ...row }: HostileRow, { method, lines }: Sample): string {
  if (row.bytes !== undefined) return row.bytes;
  const { host = ["Host: gateway"], framing = EMPTY, body = "" } = row;
  return [line.replace("METHOD", method), ...host, ...lines, ...(row.lines ?? []), ...framing, "", body].join("\r\n");
}

/** The one answer that a hostile request gets, and everything that it must not do. */
async function expectRefused(
  bytes: string,
  { status = 400, code = "bad-request" }: Partial<HostileRow>,
): Promise<void> {
  const connection = await openRaw(gateway.url);
  connection.send(bytes);
  expect(await connection.ended).toBe("FIN"); // although the client leaves its side open
  const answers = answersIn(connection.received());
  expect(answers).toHaveLength(1);
  const [answer] = answers;
  expect([answer?.status, answer?.headers.get("content-type")]).toEqual([status, ["application/problem+json"]]);
  expect(answer?.headers.get("connection")).toEqual(["close"]);
  expect(JSON.parse(answer?.body ?? "")).toMatchObject({ code, status, requestId: expect.any(String) });
  expect(await verbs()).toBe(before.verbs);
  const logged = await until("it is logged", () => gateway.lines.slice(before.lines).join(""));
  expect(JSON.parse(logged)).toMatchObject({ status, outcome: code, why: expect.any(String) }); // one line
  expect((await fetch(`${gateway.url}/alive`)).status).toBe(200);
}

const HEADS = [...REQUEST_LINES, ...TARGETS, ...FIELDS, ...FRAMINGS];

describe("refused, and seen by neither store nor upstream:", () => {
  for (const sample of [OPERATION, PASS_THROUGH])
    test.each(HEADS)(`$name, ${sample.as}`, async (row) => {
      await expectRefused(bytesOf(row, sample), row);
      expect(begun).toEqual(["/alive"]);
    });

  for (const sample of [OPERATION, KEYLESS])
    test.each(PATHS)(`$name, ${sample.as}`, async (row) => {
      await expectRefused(bytesOf(row, sample), row);
      expect(begun).toEqual(["/alive"]);
    });

  test.each(UPGRADES)("an upgrade to WebSocket with $name", async (row) => {
    await expectRefused(bytesOf({ framing: [], ...row }, UPGRADE), row);
    expect(begun).toEqual(["/alive"]);
  });

  test("its own Via, as it comes back in a loop", async () => {
    const { body } = await rawAnswer(gateway.url, bytesOf({ name: "ordinary" }, PASS_THROUGH));
    const [via] = valuesOf(JSON.parse(body) as Echo, "via");
    for (const sample of [OPERATION, PASS_THROUGH]) {
      [begun, before.lines] = [[], gateway.lines.length];
      const row = { name: "a loop", lines: [`Via: 1.0 cdn, ${via}, 1.1 edge`], status: 508, code: "loop" };
      await expectRefused(bytesOf(row, sample), row);
      expect(begun).toEqual(["/alive"]);
    }
  });

  test.each(CHUNKS)("a chunked body with $name, as an operation", async (row) => {
    await expectRefused(bytesOf(row, OPERATION), row);
    expect(begun).toEqual(["/alive"]);
  });
});

test.each(CHUNKS)("a chunked body with $name that passes through is never whole at the upstream", async (row) => {
  const connection = await openRaw(gateway.url);
  connection.send(bytesOf(row, PASS_THROUGH));
  await connection.ended;
  expect(connection.received()).toMatch(/^$|^HTTP\/1\.1 4/); // it may have begun to be sent on
  expect((await fetch(`${gateway.url}/alive`)).status).toBe(200);
  expect(whole).toEqual(["/alive"]);
});

describe("odd, and harmless: reaches the upstream once,", () => {
  test.each(ODD)("$name", async ({ method = "PUT", expected, ...row }) => {
    const key = method === "POST" ? [`X-Idempotency-Key: odd-${row.name}`] : [];
    const sample = { as: "", method, lines: row.lines?.some((line) => /key:/i.test(line)) === true ? [] : key };
    const answer = await rawAnswer(gateway.url, bytesOf(row, sample));
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject(expected ?? {});
    expect(whole).toHaveLength(1);
    expect((await verbs()) - before.verbs > 0).toBe(method === "POST");
  });

  test("a key and a credential in trailers, where they count for nothing", async () => {
    const body = "1\r\nx\r\n0\r\nX-Idempotency-Key: trailing\r\nAuthorization: Bearer b\r\n\r\n";
    const row = { name: "", framing: ["Transfer-Encoding: chunked"], body };
    const answer = await rawAnswer(gateway.url, bytesOf(row, KEYLESS));
    const echoed = JSON.parse(answer.body) as Echo;
    expect([echoed.body, valuesOf(echoed, "x-idempotency-key")]).toEqual(["x", []]);
    expect(valuesOf(echoed, "authorization")).toEqual(["Bearer a"]);
    expect([whole.length, (await verbs()) - before.verbs]).toEqual([1, 0]);
  });
});
