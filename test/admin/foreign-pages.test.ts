import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { send } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { startRawUpstream } from "../upstream/raw-upstream.ts";
import type { RawUpstream } from "../upstream/raw-upstream.ts";

/**
 * Without a token whoever is on this machine is an operator, and so is a browser on it, whatever page it shows. What a page may
 * send to another site without asking is a form, or text (Fetch standard, CORS-safelisted request-header).
 */
let upstream: RawUpstream;
let gateway: OpenGateway;
let unknown: { name: string; owner: string };
beforeAll(async () => {
  upstream = await startRawUpstream((socket) => socket.destroy());
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href });
  await send(`${gateway.url}/invoices`, { headers: { "idempotency-key": "k" }, body: "{}" });
  const { records } = (await (await fetch(`${gateway.adminUrl}/records`)).json()) as { records: (typeof unknown)[] };
  unknown = records[0]!;
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const post = (path: string, said: object, type: string | undefined): Promise<Response> =>
  fetch(gateway.adminUrl + path, {
    method: "POST",
    headers: { origin: "https://elsewhere.example", ...(type === undefined ? {} : { "content-type": type }) },
    body: Buffer.from(JSON.stringify(said)),
  });
const SAID = { by: "a page", why: "nobody asked" };
const FORMS = [undefined, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"];

test.each(FORMS)("a form of a foreign page (%s) resolves no record and accepts no loss", async (type) => {
  const path = `/records/${unknown.name}`;
  const resolution = { ...SAID, owner: unknown.owner, verdict: "executed" };
  expect((await post(`${path}/resolution`, resolution, type)).status).toBe(400);
  expect(await (await fetch(gateway.adminUrl + path)).json()).toMatchObject({ state: "unknown" });
  expect((await post("/store/loss-acceptance", SAID, type)).status).toBe(400);
});

test.each(["/records/x/resolution", "/store/loss-acceptance"])(
  "a foreign page that asks whether it may send JSON to %s is not told so",
  async (path) => {
    const headers = { origin: "https://elsewhere.example", "access-control-request-method": "POST" };
    const asked = await fetch(gateway.adminUrl + path, { method: "OPTIONS", headers });
    expect([...asked.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  },
);

test("what the form said would have counted as JSON", async () => {
  const resolution = { ...SAID, owner: unknown.owner, verdict: "executed" };
  expect((await post(`/records/${unknown.name}/resolution`, resolution, "application/json")).status).toBe(200);
  expect((await post("/store/loss-acceptance", SAID, "application/json")).status).toBe(409); // nothing was lost
});
