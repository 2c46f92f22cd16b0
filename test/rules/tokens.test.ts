import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { CryptoKey, JWK, JWTPayload } from "jose";
import { expectProblem } from "../support/expect-problem.ts";
import { recordingUpstream } from "../e2e/recording-upstream.ts";
import type { RecordingUpstream } from "../e2e/recording-upstream.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";

/** A scope that is read from a verified JWT. */
const TRUSTING = '{ version: 1, rules: [{ name: a, match: {}, scope: ["jwt:org"], trustScope: true }] }';

let privateKey: CryptoKey;
let others: CryptoKey;
let keySet: { keys: JWK[] };
beforeAll(async () => {
  const pair = await generateKeyPair("ES256");
  ({ privateKey } = pair);
  others = (await generateKeyPair("ES256")).privateKey;
  keySet = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "ES256" }] };
});

let upstream: RecordingUpstream;
let gateway: OpenGateway;
let provider: Server | undefined;
let executed: number;
afterEach(async () => {
  await gateway.close();
  await upstream.close();
  provider?.close();
  provider?.closeAllConnections();
  provider = undefined;
});

async function open(env: Record<string, string>, given: { keys?: string; rules?: string } = {}): Promise<void> {
  upstream = await recordingUpstream();
  executed = 0;
  upstream.answer = (_req, res) => void res.writeHead(201).end(String(++executed));
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url, ...env }, { rules: TRUSTING, ...given });
  await untilReady(gateway);
}
const token = (claims: JWTPayload, key: CryptoKey | Uint8Array = privateKey, alg = "ES256"): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg, kid: "k1" }).setExpirationTime("5m").sign(key);
const unexpiring = (claims: JWTPayload): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "k1" }).sign(privateKey);
const post = (jwt: string): Promise<Answer> =>
  send(`${gateway.url}/invoices`, { headers: { authorization: `Bearer ${jwt}`, "idempotency-key": "k" }, body: "{}" });
const nobody = async (): Promise<string> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return `http://127.0.0.1:${port}/jwks`;
};

describe("a jwt: scope that is verified and trusted", () => {
  test("replays to another token of the same organisation, and never to another organisation's", async () => {
    await open({}, { keys: JSON.stringify(keySet) });
    const first = await post(await token({ org: "o1", jti: "1" }));
    const other = await post(await token({ org: "o1", jti: "2" }));
    const stranger = await post(await token({ org: "o2" }));
    expect([first, other, stranger].map(({ status, replayed, body }) => [status, replayed, String(body)])).toEqual([
      [201, false, "1"],
      [201, true, "1"],
      [201, false, "2"],
    ]);
  });

  test.each<[string, () => Promise<string>, string]>([
    ["signed by somebody else", () => token({ org: "o1" }, others), "signature verification failed"],
    [
      "expired",
      () =>
        new SignJWT({ org: "o1" })
          .setProtectedHeader({ alg: "ES256", kid: "k1" })
          .setExpirationTime(1)
          .sign(privateKey),
      '"exp" claim timestamp check failed',
    ],
    [
      "unsigned",
      async () =>
        `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from('{"org":"o1"}').toString("base64url")}.`,
      "Algorithm",
    ],
    [
      "signed with the public key as if it were a secret",
      async () => token({ org: "o1" }, new TextEncoder().encode(JSON.stringify(keySet.keys[0])), "HS256"),
      "Algorithm",
    ],
    ["good for ever", () => unexpiring({ org: "o1" }), 'missing required "exp" claim'],
    ["no JWT", async () => "opaque", "Authorization has no JWT"],
    ["without the claim", () => token({}), "no claim org in a JWT"],
  ])("refuses a token that is %s; nothing is executed", async (_, make, why) => {
    await open({}, { keys: JSON.stringify(keySet) });
    const answer = await post(await make());
    expectProblem(answer, "scope-missing");
    expect(answer.fields["detail"]).toContain(why);
    expect(executed).toBe(0);
  });

  test("refuses a token of another issuer or for another audience", async () => {
    await open(
      { ONCEGATE_JWT_ISSUER: "https://id", ONCEGATE_JWT_AUDIENCE: "invoices" },
      { keys: JSON.stringify(keySet) },
    );
    expectProblem(await post(await token({ org: "o1", iss: "https://evil", aud: "invoices" })), "scope-missing");
    expectProblem(await post(await token({ org: "o1", iss: "https://id", aud: "mail" })), "scope-missing");
    expect((await post(await token({ org: "o1", iss: "https://id", aud: "invoices" }))).status).toBe(201);
  });

  test("takes one that is good for ever where that is wanted", async () => {
    await open({ ONCEGATE_JWT_WITHOUT_EXP: "true" }, { keys: JSON.stringify(keySet) });
    expect((await post(await unexpiring({ org: "o1" }))).status).toBe(201);
  });

  test("knows HS256 tokens by their secret", async () => {
    const secret = "a secret of at least 32 characters";
    await open({ ONCEGATE_JWT_SECRET: secret });
    expectProblem(
      await post(await token({ org: "o1" }, new TextEncoder().encode(secret.toUpperCase()), "HS256")),
      "scope-missing",
    );
    expect((await post(await token({ org: "o1" }, new TextEncoder().encode(secret), "HS256"))).status).toBe(201);
  });

  test("fetches the keys from an identity provider, and not for every request", async () => {
    let fetched = 0;
    provider = createServer((_req, res) => {
      fetched++;
      res.setHeader("content-type", "application/json").end(JSON.stringify(keySet));
    }).listen(0, "127.0.0.1");
    await once(provider, "listening");
    const { port } = provider.address() as AddressInfo;
    await open({ ONCEGATE_JWT_KEYS_URL: `http://127.0.0.1:${port}/jwks` });
    for (const jti of ["1", "2", "3"]) expect((await post(await token({ org: "o1", jti }))).status).toBe(201);
    expect([fetched, executed]).toEqual([1, 1]);
  });

  test.each<[string, RequestListener]>([
    ["answers with an error", (_req, res) => void res.writeHead(500).end()],
    ["answers with something else", (_req, res) => void res.end("<html>sign in</html>")],
    ["sends elsewhere", (_req, res) => void res.writeHead(302, { location: "/login" }).end()],
    ["is silent", () => {}],
  ])("an identity provider that %s: nothing is executed, and a retry is welcome", async (_, answer) => {
    provider = createServer(answer).listen(0, "127.0.0.1");
    await once(provider, "listening");
    await open({ ONCEGATE_JWT_KEYS_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks` });
    expectProblem(await post(await token({ org: "o1" })), "scope-unverifiable");
    expect(executed).toBe(0);
  });

  test("an identity provider that is not there: nothing is executed, and a retry is welcome", async () => {
    await open({ ONCEGATE_JWT_KEYS_URL: await nobody() });
    expectProblem(await post(await token({ org: "o1" })), "scope-unverifiable");
    expect(executed).toBe(0);
  });
});

test("without keys a jwt: scope is decoded, and another token gets no replay", async () => {
  await open({}, { rules: '{ version: 1, rules: [{ name: a, match: {}, scope: ["jwt:org"] }] }' });
  expect((await post(await token({ org: "o1" }, others))).status).toBe(201);
  expectProblem(await post(await token({ org: "o1", jti: "2" })), "credential-changed");
});
