import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { PROBLEMS } from "../../src/domain/problem.ts";
import { recordingUpstream } from "../e2e/recording-upstream.ts";
import type { RecordingUpstream } from "../e2e/recording-upstream.ts";
import { send, untilReady } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";

const EFAKTURUJ = readFileSync(new URL("../../examples/rules/efakturuj.yaml", import.meta.url), "utf8");
let upstream: RecordingUpstream;
let gateway: OpenGateway | undefined;
let forwarded: string[];
beforeEach(async () => {
  upstream = await recordingUpstream();
  forwarded = [];
  upstream.answer = (req, res) => {
    forwarded.push(`${req.method} ${req.url}`);
    res.writeHead(200).end("the API's own");
  };
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await upstream.close();
});

async function ask(
  path: string,
  { method = "GET", env = {}, rules }: { method?: string; env?: Record<string, string>; rules?: string } = {},
) {
  gateway ??= await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url, ...env }, rules === undefined ? {} : { rules });
  await untilReady(gateway);
  return send(gateway.url + path, { method });
}
const PLACE = "/.well-known/idempotency";

describe("what is published for clients", () => {
  test("header names, scope, retention, what is stored and the answers, for each rule, without a credential", async () => {
    const { status, headers, fields } = await ask(PLACE, { rules: EFAKTURUJ });
    expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
    const [first, last] = fields["rules"] as { outcomes: object[] }[];
    expect(first).toMatchObject({
      rule: "create-invoice",
      match: { methods: ["POST"], path: "/invoices" },
      key: { headers: ["idempotency-key", "x-request-id"], required: false, maxLength: 255 },
      scope: "credential",
      retentionSeconds: 86_400,
      inFlightWaitSeconds: 25,
      replayedTo: "the same credential",
      errors: { format: "problem", statuses: { "operation-in-flight": 503 } },
      retry: { tries: 5, withinSeconds: 20 },
      breaker: { failures: 5, coolOffSeconds: 30 },
    });
    expect(first?.outcomes[0]).toEqual({
      outcome: "release",
      status: ["502"],
      body: "/error/code",
      in: ["peppol_delivery_failed"],
    });
    expect(last).toMatchObject({ rule: "default", match: { methods: ["POST", "PATCH"], path: "/**" } });
    const codes = (fields["refusals"] as { code: string }[]).map(({ code }) => code);
    expect(codes).toEqual(Object.keys(PROBLEMS));
    expect(forwarded).toEqual([]);
  });

  test("sources, patterns and conditions are written as in the rules file", async () => {
    const rules = `
version: 1
rules:
  - name: edit
    match: { path: /api/**, body: { request: save }, bodyPresent: [id] }
    key: { from: ["body:uuid"], pattern: "[a-z]+" }
    scope: ["header:x-org", "basic:username", "path:2"]
    fingerprint: { ignore: ["body:session", "query:t"] }
    duplicates: { fields: ["body:number", "query:t"], window: 1h, then: replay, unless: "header:x-another" }
    credential: ["body:session"]
`;
    const { fields } = await ask(PLACE, { rules });
    expect((fields["rules"] as object[])[0]).toMatchObject({
      match: {
        body: [
          { field: "request", is: "one-of", texts: ["save"] },
          { field: "id", is: "present" },
        ],
      },
      key: { headers: [], fields: ["uuid"], pattern: "^(?:[a-z]+)$" },
      scope: ["header:x-org", "basic:username", "path:2"],
      credential: ["body:session"],
      sameRequest: { compared: "content", ignored: ["body:session", "query:t"] },
      duplicates: {
        mode: "replay",
        fields: ["body:number", "query:t"],
        windowSeconds: 3_600,
        unless: { source: "header:x-another", says: ["true", "1", "yes"] },
      },
    });
    expect((fields["rules"] as object[])[1]).not.toHaveProperty("duplicates");
  });

  test("there is not a secret in it, nor where the API is", async () => {
    const secrets = {
      ONCEGATE_NAME_SECRET: "name-secret-of-this-gateway",
      ONCEGATE_ADMIN_TOKEN: "admin-token-of-this-gateway",
      ONCEGATE_JWT_SECRET: "jwt-secret-of-this-gateway-0123456789",
      ONCEGATE_ENCRYPTION_KEYS: Buffer.alloc(32, 7).toString("base64"),
    };
    const { body } = await ask(PLACE, { env: secrets });
    for (const secret of [...Object.values(secrets), new URL(upstream.url).port])
      expect(body.toString()).not.toContain(secret);
  });

  test("HEAD has no body; other methods and paths are the API's", async () => {
    expect([(await ask(PLACE, { method: "HEAD" })).body.length, forwarded]).toEqual([0, []]);
    await ask(PLACE, { method: "POST" });
    await ask("/.well-known/idempotency/more");
    await ask("/.well-known/openid-configuration");
    expect(forwarded).toEqual([
      `POST ${PLACE}`,
      "GET /.well-known/idempotency/more",
      "GET /.well-known/openid-configuration",
    ]);
  });

  test("switched off, the path is the API's", async () => {
    const { body } = await ask(PLACE, { env: { ONCEGATE_PUBLISH: "false" } });
    expect([body.toString(), forwarded]).toEqual(["the API's own", [`GET ${PLACE}`]]);
  });
});
