import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { IncomingMessage, ServerResponse } from "node:http";
import { recordingUpstream } from "../e2e/recording-upstream.ts";
import type { RecordingUpstream } from "../e2e/recording-upstream.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";

/** A replay needs the API's yes, where a rule asks for it. */
const RULES = `
version: 1
rules:
  - name: a
    match: { path: /orgs/*/invoices }
    scope: ["path:2"]
    authorize: { request: { path: "/orgs/{path:2}/me?of={body:number}", headers: { X-Tenant: "header:x-tenant", x-of: "body:number" } } }
`;
let upstream: RecordingUpstream;
let gateway: OpenGateway;
let executed: number;
let asked: IncomingMessage[];
let judge: (req: IncomingMessage, res: ServerResponse) => void;
beforeEach(async () => {
  upstream = await recordingUpstream();
  executed = 0;
  asked = [];
  judge = (req, res) => void res.writeHead(/revoked/.test(req.headers.authorization ?? "") ? 401 : 204).end();
  upstream.answer = (req, res) => {
    req.resume();
    if (req.method === "POST") return void res.writeHead(201).end(`invoice ${++executed}`);
    asked.push(req);
    judge(req, res);
  };
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url }, { rules: RULES });
  await untilReady(gateway);
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});
const post = (credential: string, body = '{"number":"1/7"}', more: Record<string, string> = {}): Promise<Answer> =>
  send(`${gateway.url}/orgs/o1/invoices`, {
    headers: {
      authorization: `Bearer ${credential}`,
      "idempotency-key": "k",
      "content-type": "application/json",
      "if-match": '"x"',
      "x-tenant": "t",
      ...more,
    },
    body,
  });

describe("an authorisation that is asked for", () => {
  test("lets another credential of the scope see the answer, after the API's yes", async () => {
    await post("t1");
    expect(asked).toHaveLength(0);
    const other = await post("t2");
    expect([other.status, other.replayed, String(other.body), executed]).toEqual([201, true, "invoice 1", 1]);
    expect(asked.map(({ method, url }) => [method, url])).toEqual([["GET", "/orgs/o1/me?of=1%2F7"]]);
    expect(asked[0]!.headers["content-length"] ?? "0").toBe("0");
  });

  test("is asked for with the credential and what the rule names, and nothing else of the client's request", async () => {
    await post("t1");
    const more = { "x-http-method-override": "DELETE", "x-other": "1", "x-api-key": "k1", cookie: "a=1" };
    await post("t2", undefined, { ...more, accept: "application/pdf", "user-agent": "client/1" });
    const { host, via, ...headers } = asked[0]!.headers;
    expect([headers, host, via]).toEqual([
      {
        authorization: "Bearer t2",
        "x-api-key": "k1",
        cookie: "a=1",
        "x-tenant": "t",
        "x-of": "1/7",
        accept: "application/json, */*;q=0.1",
        "cache-control": "no-cache",
        "user-agent": "oncegate",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": new URL(gateway.url).host,
        connection: expect.any(String),
      },
      new URL(upstream.url).host,
      expect.stringContaining("oncegate"),
    ]);
  });

  test("a revoked credential does not read a stored invoice, be it the very one that made it", async () => {
    await post("t1");
    const stranger = await post("revoked-2");
    expect([stranger.status, stranger.code]).toEqual([409, "credential-changed"]);
    expect(stranger.fields["detail"]).toContain("answered 401");
    expect(String(stranger.body)).not.toContain("invoice");
    judge = (_req, res) => void res.writeHead(403).end();
    const own = await post("t1");
    expect([own.status, own.code, own.fields["detail"]]).toEqual([
      409,
      "credential-changed",
      expect.stringContaining("answered 403"),
    ]);
    expect(executed).toBe(1);
  });

  test.each<[string, (req: IncomingMessage, res: ServerResponse) => void]>([
    ["500", (_req, res) => void res.writeHead(500).end()],
    ["a reset", (_req, res) => void res.socket?.resetAndDestroy()],
  ])("that is not heard (%s) shows nothing, and a retry is welcome", async (_, how) => {
    await post("t1");
    judge = how;
    const answer = await post("t2");
    expect([answer.status, answer.code, answer.fields["retryable"], executed]).toEqual([
      503,
      "upstream-unreachable",
      true,
      1,
    ]);
    judge = (_req, res) => void res.writeHead(200).end();
    expect((await post("t2")).replayed).toBe(true);
  });

  test("a redirection is no yes", async () => {
    await post("t1");
    judge = (_req, res) => void res.writeHead(302, { location: "/login" }).end();
    expect((await post("t2")).code).toBe("credential-changed");
  });

  test("nothing is asked where nothing would be shown", async () => {
    await post("t1");
    expect((await post("t2", '{"number":"2"}')).code).toBe("key-reused");
    expect(asked).toHaveLength(0);
  });
});
