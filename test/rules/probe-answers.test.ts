import { describe, expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { json } from "./probed-api.ts";
import { because, PROBE, ProbedSite, QUARANTINE_OVER } from "./probed-site.ts";

/** What the API's answer to a probe says, and what it does not. */
describe.each(STORES)("an answer to a probe, on %s", (_name, startStore) => {
  const site = new ProbedSite(startStore);

  const failures: [string, (res: ServerResponse) => void, retryAfter: string | null][] = [
    ["500", (res) => json(res, 500, { data: [] }), "5"],
    ["429", (res) => json(res, 429, { data: [] }), "5"],
    ["a reset", (res) => void res.socket?.resetAndDestroy(), "5"],
    ["a cut answer", (res) => (res.writeHead(200, { "content-length": 100 }).write('{"data":[]}'), res.destroy()), "5"],
    ["no length", (res) => void res.socket?.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"data":[]}'), "5"],
    ["401", (res) => json(res, 401, { data: [] }), null],
    ["404", (res) => json(res, 404, { data: [] }), null],
    ["302", (res) => void res.writeHead(302, { location: "/login", "content-length": 0 }).end(), null],
    ["204", (res) => void res.writeHead(204).end(), null],
    ["206", (res) => json(res, 206, { data: [] }), null],
    ["no JSON", (res) => void res.writeHead(200, { "content-length": 4 }).end("null "), null],
    ["an error that is a 200", (res) => json(res, 200, { error: "not now" }), null],
    ["data of another form", (res) => json(res, 200, { data: { total: 0 } }), null],
    ["more than can be read", (res) => json(res, 200, { data: [], padding: "x".repeat(1_100_000) }), null],
  ];
  test("the probe's own failures are no absence: what is unknown stays so", async () => {
    await site.lost("resets before creating");
    expect((await site.post()).code).toBe("outcome-unknown");
    await site.store.advance(QUARANTINE_OVER);
    for (const [what, listing, retryAfter] of failures) {
      site.api.listing = listing;
      expect({ what, ...because(await site.post()) }).toMatchObject({ what, told: "409 outcome-unknown", retryAfter });
    }
    expect(site.api.invoices).toHaveLength(0);
    site.api.listing = undefined;
    expect((await site.post()).status).toBe(201);
  });

  test("silence is no absence, and while it lasts the API is not asked again", async () => {
    await site.lost("resets before creating");
    await site.post();
    await site.store.advance(QUARANTINE_OVER);
    const answering: (() => void)[] = [];
    site.api.listing = (res) => void answering.push(() => json(res, 200, { data: [] }));
    expect(because(await site.post())).toMatchObject({ told: "409 outcome-unknown", retryAfter: "5" });
    expect(because(await site.post())).toMatchObject({ told: "409 outcome-unknown", retryAfter: "1" });
    expect([site.api.asked.length, answering.length]).toEqual([2, 1]);
    answering.forEach((go) => go());
    site.api.listing = undefined;
    await until("the API is not busy with it any more", async () => (await site.post()).status === 201);
    expect(site.api.invoices).toHaveLength(1);
  }, 60_000);

  test("a status says that it is not there where the rule says so", async () => {
    const strict = await site.open({ probe: { ...PROBE, absent: [404] } });
    await site.lost("resets before creating", strict);
    site.api.listing = (res) => json(res, 404, {});
    expect(because(await site.post(strict)).detail).toContain("does not have it");
    await site.store.advance(QUARANTINE_OVER);
    expect((await site.post(strict)).status).toBe(201);
  });

  test("an older invoice with the same number is not taken for it, nor for its absence", async () => {
    await site.post(site.gateway, { key: "an older one" });
    await site.store.advance(1_000);
    site.api.invoices[0]!.created_at = new Date(Date.now() - 3_600_000).toISOString();
    await site.lost("resets before creating");
    expect(because(await site.post()).detail).toContain("its answer does not tell");
    await site.store.advance(QUARANTINE_OVER);
    expect((await site.post()).code).toBe("outcome-unknown");
    expect(site.api.invoices).toHaveLength(1);
    await site.store.advance(-QUARANTINE_OVER); // or its start would be older than what follows
    site.api.invoices.push({ ...site.api.invoices[0]!, id: 2, created_at: new Date().toISOString() });
    const found = await site.post();
    expect([found.status, found.fields["id"]]).toEqual([201, 2]);
  });

  test("an absence counts only under the credential of the first request, and another one is not asked about", async () => {
    const byOrg = { scope: ["header:x-org"], authorize: { request: { path: "/me" } } };
    const [wary, trusting] = [await site.open(byOrg), await site.open({ ...byOrg, trustScope: true })];
    await site.lost("resets before creating", wary);
    expect((await site.post(wary, { authorization: "Bearer other" })).code).toBe("outcome-unknown");
    expect(site.api.asked).toHaveLength(0);
    await site.post(wary);
    await site.store.advance(QUARANTINE_OVER);
    const other = await site.post(trusting, { authorization: "Bearer other" });
    expect(because(other)).toMatchObject({
      told: "409 outcome-unknown",
      detail: expect.stringContaining("another credential"),
    });
    expect(site.api.invoices).toHaveLength(0);
    expect((await site.post(trusting)).status).toBe(201);
  });

  test("a request that lacks what the question is made of asks nothing, not for everything", async () => {
    await site.post(site.gateway, { number: "another", key: "another" });
    site.api.fate = "resets before creating";
    expect((await site.post(site.gateway, { number: "" })).code).toBe("outcome-unknown");
    expect(because(await site.post(site.gateway, { number: "" })).detail).toContain("could not be asked");
    expect(site.api.asked).toHaveLength(0);
  });

  test("nor does one that has half a character there", async () => {
    await site.post(site.gateway, { number: "another", key: "another" });
    site.api.fate = "resets before creating";
    for (let i = 0; i < 2; i++)
      expect((await site.post(site.gateway, { number: "\ud800" })).code).toBe("outcome-unknown");
    expect(because(await site.post(site.gateway, { number: "\ud800" })).detail).toContain("could not be asked");
    expect(site.api.asked).toHaveLength(0);
  });

  test("no credential is stored or logged", async () => {
    await site.lost("resets before creating");
    await site.post();
    await site.store.advance(QUARANTINE_OVER);
    await site.post();
    const kept = await site.store.contents();
    expect(kept.includes("the-secret-of-the-client")).toBe(false);
    expect(site.gateway.lines.join("\n")).not.toContain("the-secret-of-the-client");
    expect(site.gateway.lines.join("\n")).toContain('"rule":"create"');
  });
});
