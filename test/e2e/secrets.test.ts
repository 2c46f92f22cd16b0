import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { INVOICE, startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { page, post } from "./keyed-post.ts";
import { openRaw, rawPost } from "./raw-bytes.ts";
import { until } from "../support/until.ts";
import { holds } from "../support/writings.ts";

/** Texts that stand nowhere else, one for each place a secret can come from. */
const SECRETS = {
  key: "key-Qm7vXzRk2pLw",
  authorization: "token-Hs93Jd0aPqVt",
  apiKey: "apikey-Zu5tBn8cYeWr",
  body: "customer-Lk4gFo6mTsXi",
  query: "query-Dv1jEb7nUhGc",
  cookie: "session-Ra8wOy3fMxKp",
  redis: "redis-Nf6qIt9zSbJl",
};

let api: SampleApi;
let redis: RedisServer;
let gateway: GatewayProcess;
beforeAll(async () => {
  api = await startSampleApi();
  redis = await startRedis({ password: SECRETS.redis });
  gateway = await startGatewayProcess({
    ONCEGATE_UPSTREAM_URL: api.url,
    ONCEGATE_STORE: redis.url,
    ONCEGATE_LOG_LEVEL: "trace",
    ONCEGATE_UPSTREAM_TIMEOUT: "3s",
    ONCEGATE_CLIENT_WAIT: "10s",
    ONCEGATE_MAX_REQUEST_BODY: "1kb",
  });
  await until("ready", async () => (await page(gateway.adminUrl, "/ready")).status === 200);
});
afterAll(async () => {
  await gateway.kill();
  await redis.close();
  await api.close();
});

const HEADERS = {
  authorization: `Bearer ${SECRETS.authorization}`,
  "x-api-key": SECRETS.apiKey,
  cookie: `session=${SECRETS.cookie}`,
};
const BODY = JSON.stringify({ ...INVOICE, customer: SECRETS.body });
const path = `/invoices?secret=${SECRETS.query}`;

const send = (more: { key?: string; fault?: string; body?: string; headers?: Record<string, string> } = {}) =>
  post(gateway.url, more.key ?? SECRETS.key, {
    path,
    body: more.body ?? BODY,
    headers: { ...HEADERS, ...more.headers },
    ...(more.fault === undefined ? {} : { fault: more.fault }),
  });

/** What a client may see of how its requests end; each brings all secrets along. */
const ENDINGS: [string, () => Promise<{ status: number }>, number][] = [
  ["a first use", () => send(), 201],
  ["a replay", () => send(), 201],
  ["a reuse of the key", () => send({ body: `${BODY}[]` }), 422],
  ["another credential", () => send({ headers: { authorization: `Bearer ${SECRETS.authorization}!` } }), 409],
  ["a key that is too long", () => send({ key: SECRETS.key.repeat(50) }), 400],
  ["two keys that differ", () => send({ headers: { "idempotency-key": `${SECRETS.key}!` } }), 400],
  ["only a cookie", () => send({ headers: { authorization: "", "x-api-key": "" } }), 400],
  ["a body that is too large", () => send({ body: BODY.repeat(20) }), 413],
  ["malformed JSON", () => send({ key: `${SECRETS.key}-1`, body: BODY.slice(0, -9) }), 400],
  ["a validation failure", () => send({ key: `${SECRETS.key}-2`, body: `{"customer":"${SECRETS.body}"}` }), 422],
  ["an upstream's failure", () => send({ key: `${SECRETS.key}-3`, fault: "fail-after" }), 500],
  ["an upstream's reset", () => send({ key: `${SECRETS.key}-4`, fault: "reset-after" }), 502],
  ["an upstream's cut answer", () => send({ key: `${SECRETS.key}-5`, fault: "cut" }), 502],
  ["an upstream's silence", () => send({ key: `${SECRETS.key}-6`, fault: "hang" }), 504],
  ["an unknown fault, named by the API", () => send({ key: `${SECRETS.key}-7`, fault: SECRETS.body }), 400],
  ["a retry of an unknown", () => send({ key: `${SECRETS.key}-4` }), 409],
  ["a pass-through", () => post(gateway.url, undefined, { path, headers: HEADERS, body: BODY }), 201],
  [
    "a pass-through that the upstream resets",
    () => post(gateway.url, undefined, { path, headers: HEADERS, body: BODY, fault: "reset-before" }),
    502,
  ],
];

test("no log line has a key, credential, body, query or cookie, however its request ends", async () => {
  for (const [what, act, status] of ENDINGS) expect([what, (await act()).status]).toEqual([what, status]);

  const malformed = await openRaw(gateway.url);
  const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`);
  malformed.send(rawPost([...lines, `x-idempotency-key: ${SECRETS.key}\u0001`, "Content-Length: 0"], "", path));
  await malformed.ended;
  expect(malformed.received()).toContain("400 Bad Request");

  // The store is lost between execution and settle: its commands carry answers.
  const before = await api.count("/invoices");
  const running = send({ key: `${SECRETS.key}-8`, fault: "delay-after:700" });
  await until("the invoice is made", async () => (await api.count("/invoices")) > before);
  await redis.kill9();
  expect((await running).status).toBe(201);
  expect([(await send({ key: `${SECRETS.key}-9` })).status, (await page(gateway.adminUrl, "/ready")).status]).toEqual([
    503, 503,
  ]);
  gateway.signal("SIGINT");
  await gateway.logged(({ signal }) => signal === "SIGINT");
  gateway.signal("SIGTERM"); // the store is gone: one alone would wait for it
  await gateway.exited;

  const text = gateway.text();
  expect(text.split("\n").filter((line) => line.includes('"msg":"request"')).length).toBeGreaterThan(ENDINGS.length);
  const found = Object.entries(SECRETS).filter(([, secret]) => holds(Buffer.from(text), secret));
  expect(found).toEqual([]);
});
