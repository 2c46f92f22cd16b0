import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { startHeldUpstream } from "../support/held-upstream.ts";
import type { HeldUpstream } from "../support/held-upstream.ts";
import { send } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";

let upstream: HeldUpstream;
let gateway: OpenGateway;
beforeEach(async () => {
  upstream = await startHeldUpstream();
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url, ONCEGATE_MAX_BUFFERED: "1mb" });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const LARGE = Buffer.alloc(600_000, "x"); // two are more than is held
const post = (key: string, body: Buffer | string = LARGE): Promise<Answer> =>
  send(`${gateway.url}/invoices`, { headers: { "x-idempotency-key": key, "x-test": key }, body });
const executed = async (key: string, body?: Buffer | string): Promise<Answer> => {
  const answer = post(key, body);
  (await upstream.arrived(key)).created({ key });
  return answer;
};

test("bodies that together are more than is held are refused, until the first one is done with", async () => {
  const first = post("first");
  const running = await upstream.arrived("first");
  for (let i = 0; i < 3; i++) expect(await post("second")).toMatchObject({ status: 503, code: "overloaded" });
  expect(upstream.count("second")).toBe(0);
  expect((await executed("small", "{}")).status).toBe(201);
  running.created({});
  expect((await first).status).toBe(201);
  for (const key of ["second", "third", "fourth"]) expect((await executed(key)).status).toBe(201);
  expect((await executed("largest", Buffer.alloc(1_048_576, "x"))).status).toBe(201); // what was refused holds nothing
});

test("what passes through is not held back while nothing more may be held", async () => {
  const first = post("first");
  const running = await upstream.arrived("first");
  const refused = await post("second");
  expect([refused.code, refused.headers.get("retry-after")]).toEqual(["overloaded", "1"]);
  const passing = send(`${gateway.url}/invoices`, { headers: { "x-test": "passing" }, body: LARGE });
  (await upstream.arrived("passing")).created({});
  expect((await passing).status).toBe(201);
  running.created({});
  expect((await first).status).toBe(201);
});

test("a body is done with also where it was only a retry, or nobody's key", async () => {
  expect((await executed("first")).status).toBe(201);
  for (let i = 0; i < 3; i++) expect((await post("first")).replayed).toBe(true);
  for (let i = 0; i < 3; i++) expect((await post("first", Buffer.alloc(600_000, "y"))).code).toBe("key-reused");
  expect((await executed("second")).status).toBe(201);
});

test("a body is done with also where its client left", async () => {
  const leaving = new AbortController();
  const left = fetch(`${gateway.url}/invoices`, {
    method: "POST",
    headers: { "x-idempotency-key": "left", "x-test": "left" },
    body: new Uint8Array(LARGE),
    signal: leaving.signal,
  }).catch(() => "left");
  const running = await upstream.arrived("left");
  leaving.abort();
  expect(await left).toBe("left");
  running.created({});
  await until("it is over", () => gateway.lines.some((line) => line.includes('"outcome":"completed"')));
  expect((await executed("next")).status).toBe(201);
});
