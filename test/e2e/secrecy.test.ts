import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { Keyring } from "../../src/store/keyring.ts";
import { keptNameSecret } from "../../src/store/name-secret.ts";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Sent } from "../support/installation.ts";
import { STORES } from "../support/test-store.ts";
import type { TestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { holds } from "../support/writings.ts";
import { recordingUpstream } from "./recording-upstream.ts";
import type { RecordingUpstream } from "./recording-upstream.ts";

/** Texts that stand nowhere else. */
const mark = (what: string): string => `${what}-${randomBytes(9).toString("hex")}`;
const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** What only the client and the API may ever see. */
const SENT = {
  key: mark("key"),
  "quoted key": mark("quoted"),
  "token's subject": mark("subject"),
  "token's organisation": mark("organisation"),
  "token's signature": mark("signature"),
  "user's name": mark("user"),
  password: mark("password"),
  "API key": mark("apikey"),
  cookie: mark("cookie"),
  "tenant in a header": mark("tenant"),
  "account in the query": mark("account"),
  "customer in the path": mark("customer"),
  query: mark("query"),
  body: mark("body"),
};
/** What a store keeps, since a retry must get it. */
const ANSWERED = { "answer's body": mark("answered"), "answer's header": mark("header"), Location: mark("location") };

const CLAIMS = base64url({ iss: "here", sub: SENT["token's subject"], org: SENT["token's organisation"] });
const JWT = `Bearer ${base64url({ alg: "none" })}.${CLAIMS}.${SENT["token's signature"]}`;
const BASIC = `Basic ${Buffer.from(`${SENT["user's name"]}:${SENT.password}`).toString("base64")}`;
const COOKIE = { cookie: `session=${SENT.cookie}` };

const ENCRYPTION_KEY = randomBytes(32);

describe.each(
  STORES.flatMap(([name, start]) => [
    { name, start, encrypted: true },
    { name, start, encrypted: false },
  ]),
)("a gateway on $name, encrypted: $encrypted", ({ start, encrypted }) => {
  let store: TestStore;
  let upstream: RecordingUpstream;
  let gateways: GatewayProcess[];
  /** Everything that a gateway showed or left anywhere. */
  const left = { store: Buffer.alloc(0), log: "", pages: "" };
  /** Everything that reached the API. */
  let arrived = "";

  beforeAll(async () => {
    [store, upstream] = [await start(), await recordingUpstream()];
    upstream.answer = async (req, res) => {
      arrived += [req.url, ...req.rawHeaders, (await buffer(req)).toString()].join("\n");
      const ending = req.headers["x-ending"];
      if (ending === "hang") return;
      if (ending === "reset") return void req.socket.resetAndDestroy();
      if (ending === "store-lost") store.fail();
      const status = ending === "unknown" ? 502 : ending === "rejected" ? 422 : 201;
      const body = JSON.stringify({ id: ANSWERED["answer's body"], more: ending === "large" ? "x".repeat(4_096) : "" });
      res.writeHead(status, {
        "Content-Type": "application/json",
        "Content-Length": body.length + (ending === "cut" ? 9 : 0),
        Location: `/invoices/${ANSWERED.Location}`,
        "X-Number": ANSWERED["answer's header"],
      });
      res.end(body, () => ending === "cut" && req.socket.destroy());
    };
    const settings = {
      ONCEGATE_UPSTREAM_URL: upstream.url,
      ONCEGATE_STORE: store.url,
      ONCEGATE_LOG_LEVEL: "trace",
      ONCEGATE_UPSTREAM_TIMEOUT: "3s",
      ONCEGATE_MAX_STORED_RESPONSE: "1kb",
      ...(encrypted ? { ONCEGATE_ENCRYPTION_KEYS: ENCRYPTION_KEY.toString("base64") } : {}),
    };
    const sources = "header:x-tenant,query:account,path:2,jwt:org";
    gateways = await Promise.all([
      startGatewayProcess(settings),
      startGatewayProcess({ ...settings, ONCEGATE_SCOPE: sources }),
    ]);
    await Promise.all(gateways.map(untilReady));
    const [byCredential, bySources] = gateways as [GatewayProcess, GatewayProcess];
    await everyEnding(byCredential);
    await ofScope(bySources);
    left.store = Buffer.concat([left.store, await store.contents()]);
    await losingTheStore(byCredential);
    for (const { adminUrl } of gateways)
      for (const page of ["/metrics", "/ready", "/live", "/version", "/"])
        left.pages += await (await fetch(adminUrl + page)).text();
    for (const gateway of gateways) gateway.signal("SIGINT");
    await Promise.all(gateways.map(({ exited }) => exited));
    left.log = gateways.map((gateway) => gateway.text()).join("");
    left.store = Buffer.concat([left.store, await store.contents()]);
  });
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    await upstream.close();
    await store.destroy();
  });

  let made = 0;
  const post = (to: GatewayProcess, headers: Record<string, string>, more: Sent & { path?: string } = {}) =>
    send(`${to.url}${more.path ?? "/invoices"}?secret=${SENT.query}&account=${SENT["account in the query"]}`, {
      headers: { "content-type": "application/json", "x-idempotency-key": `${SENT.key}-${made}`, ...headers },
      body: JSON.stringify({ customer: SENT.body, ...JSON.parse(String(more.body ?? "{}")) }),
    });

  /** Everything that can become of an operation: first use, retry, another body. */
  async function everyEnding(gateway: GatewayProcess): Promise<void> {
    const quoted = { "x-idempotency-key": `"${SENT["quoted key"]}"` };
    for (const credential of [
      { authorization: JWT },
      { authorization: BASIC },
      { "x-api-key": SENT["API key"] },
      quoted,
    ])
      expect(await threeTimes(gateway, credential)).toEqual([201, 201, 422]);
    const endings = {
      large: [201, 409],
      unknown: [502, 409],
      rejected: [422, 422],
      reset: [502, 409],
      cut: [502, 409],
    };
    for (const [ending, statuses] of Object.entries({ ...endings, hang: [504, 409] }))
      expect([ending, ...(await threeTimes(gateway, { authorization: JWT, ...COOKIE, "x-ending": ending }))]).toEqual([
        ending,
        ...statuses,
        422,
      ]);
    const refused = [{ ...COOKIE }, { authorization: JWT, "idempotency-key": "another" }, { "x-idempotency-key": '"' }];
    for (const headers of refused) expect((await post(gateway, headers)).status).toBe(400);
    const changed = { authorization: `${JWT}-of-another-session`, "x-idempotency-key": `${SENT.key}-1` };
    expect((await post(gateway, changed)).code).toBe("credential-changed");
    expect((await fetch(`${gateway.url}/invoices?q=${SENT.query}`, { headers: { authorization: JWT } })).status).toBe(
      201,
    );
  }

  async function threeTimes(gateway: GatewayProcess, headers: Record<string, string>, path?: string) {
    made++;
    const options = path === undefined ? {} : { path };
    const statuses = [];
    for (const body of ["{}", "{}", '{"differs":1}'])
      statuses.push((await post(gateway, headers, { ...options, body })).status);
    return statuses;
  }

  async function ofScope(gateway: GatewayProcess): Promise<void> {
    const path = `/customers/${SENT["customer in the path"]}/invoices`;
    const tenant = { "x-tenant": SENT["tenant in a header"] };
    expect(await threeTimes(gateway, { authorization: JWT, ...tenant }, path)).toEqual([201, 201, 422]);
    expect((await post(gateway, { authorization: JWT }, { path })).code).toBe("scope-missing");
    expect((await fetch(gateway.url + path)).status).toBe(201);
  }

  /** Between execution and settle: its commands carry answers. */
  async function losingTheStore(gateway: GatewayProcess): Promise<void> {
    made++;
    const headers = { authorization: JWT, "x-ending": "store-lost" };
    const first = await post(gateway, headers);
    expect([first.status, first.headers.get("idempotency-stored")]).toEqual([201, "false"]);
    expect((await post(gateway, headers)).code).toBe("store-unavailable");
    left.pages += await (await fetch(`${gateway.adminUrl}/ready`)).text();
    store.recover();
    await until("a retry gets the answer", async () => (await post(gateway, headers)).replayed);
  }

  test.each(Object.entries(SENT))("shows the %s to the API and leaves it nowhere", (_what, secret) => {
    expect(holds(Buffer.from(arrived), secret)).toBe(true);
    expect(holds(left.store, secret)).toBe(false);
    expect(holds(Buffer.from(left.log), secret)).toBe(false);
    expect(holds(Buffer.from(left.pages), secret)).toBe(false);
  });

  test.each(Object.entries(ANSWERED))(
    `leaves the %s ${encrypted ? "nowhere" : "in its store alone"}`,
    (_what, secret) => {
      expect(holds(left.store, secret)).toBe(!encrypted);
      expect(holds(Buffer.from(left.log), secret)).toBe(false);
      expect(holds(Buffer.from(left.pages), secret)).toBe(false);
    },
  );

  test(`leaves the secret of names ${encrypted ? "nowhere" : "in its store alone"}, and its keys nowhere`, async () => {
    const behind = await store.open();
    const secret = await keptNameSecret(behind, new Keyring(encrypted ? [ENCRYPTION_KEY] : ["clear"]));
    await behind.close();
    expect(holds(left.store, secret)).toBe(!encrypted);
    for (const held of [left.store, Buffer.from(left.log), Buffer.from(left.pages)])
      expect(holds(held, ENCRYPTION_KEY)).toBe(false);
    for (const held of [left.log, left.pages]) expect(holds(Buffer.from(held), secret)).toBe(false);
  });

  test("was searched in full: names, log lines and metrics are there", async () => {
    for (const name of await store.names()) expect(left.store.includes(name)).toBe(true);
    expect((await store.names()).length).toBeGreaterThan(8);
    expect(left.log.split("\n").filter((line) => line.includes('"msg":"request"')).length).toBeGreaterThan(30);
    expect(left.log).toContain("the store does not answer");
    expect(left.pages).toMatch(/oncegate_requests_total\{outcome="replayed"\} [1-9]/);
    expect(left.pages).toContain("store-unavailable");
  });
});
