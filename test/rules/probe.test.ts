import { describe, expect, test } from "@jest/globals";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { json } from "./probed-api.ts";
import { because, CREDENTIAL, ProbedSite, QUARANTINE_OVER } from "./probed-site.ts";

/** What became of an operation whose outcome is unknown is asked of the API, on the client's retry. */
describe.each(STORES)("an unknown outcome that is probed, on %s", (_name, startStore) => {
  const site = new ProbedSite(startStore);

  test("a backend that resets after creating: the retry gets what was made, and one invoice exists", async () => {
    const first = await site.lost("resets after creating");
    expect([first.status, first.fields["retryable"]]).toEqual([502, true]);
    expect(because(first)).toMatchObject({
      retryAfter: "1",
      detail: expect.stringContaining("Send the same request again"),
    });
    const retry = await site.post();
    expect([retry.status, retry.replayed, retry.headers.get("idempotency-source")]).toEqual([201, true, "probe"]);
    expect([retry.fields, retry.headers.get("content-type")]).toEqual([site.api.invoices[0], "application/json"]);
    expect(site.api.invoices).toHaveLength(1);

    const again = await site.post(await site.open());
    expect([again.status, again.replayed, String(again.body)]).toEqual([201, true, String(retry.body)]);
    expect(site.api.asked).toHaveLength(1);
    const [{ method, url, headers }] = site.api.asked as [(typeof site.api.asked)[0]];
    expect([method, url]).toEqual(["GET", "/invoices?q=2026%2F7%20%C3%A4"]);
    const { authorization, "x-org": org, "cache-control": cache, "idempotency-key": key } = headers;
    expect([authorization, org, cache, key]).toEqual([CREDENTIAL, "o1", "no-cache", undefined]);
    expect(await site.journal()).toMatchObject({
      entries: [{ event: "resolved", verdict: "executed", by: "probe", why: "rule create" }],
    });
  });

  test("not found once is not enough: the retry is told when to come again, and nothing is sent", async () => {
    await site.lost("resets before creating");
    for (let i = 0; i < 2; i++) {
      const retry = await site.post();
      expect(because(retry)).toMatchObject({ told: "409 outcome-unknown", detail: expect.stringContaining("in 34") });
      expect(retry.fields["retryable"]).toBe(true);
      const seconds = Number(retry.headers.get("retry-after"));
      expect(seconds).toBeGreaterThan(300);
      expect(seconds).toBeLessThanOrEqual(346);
    }
    // The quarantine alone releases nothing: the second look has to find it absent, too.
    await site.store.advance(QUARANTINE_OVER);
    site.api.listing = (res) => json(res, 500, {});
    expect(because(await site.post()).told).toBe("409 outcome-unknown");
    expect(site.api.invoices).toHaveLength(0);
  });

  test("not found twice, the quarantine apart, is executed by the very retry, though each look was another gateway's", async () => {
    await site.lost("resets before creating");
    expect((await site.post()).code).toBe("outcome-unknown");
    await site.restart();
    await site.store.advance(QUARANTINE_OVER);
    const retry = await site.post();
    expect([retry.status, retry.replayed, retry.headers.get("idempotency-source")]).toEqual([201, false, null]);
    expect(site.api.invoices).toHaveLength(1);
    expect((await site.post()).replayed).toBe(true);
    expect(await site.journal()).toMatchObject({ entries: [{ verdict: "not-executed", by: "probe" }] });
  });

  test("what turns up between the looks is found", async () => {
    await site.lost("resets before creating");
    expect((await site.post()).code).toBe("outcome-unknown");
    site.api.listing = (res) =>
      json(res, 200, {
        data: [{ id: 9, invoice_number: "2026/7 ä", created_at: new Date().toISOString() }],
      });
    await site.store.advance(QUARANTINE_OVER);
    const retry = await site.post();
    expect([retry.status, retry.fields["id"], retry.headers.get("idempotency-source")]).toEqual([201, 9, "probe"]);
    expect(site.api.invoices).toHaveLength(0);
  });

  test("racing retries on two gateways, when it may be released, execute it once", async () => {
    await site.lost("resets before creating");
    expect((await site.post()).code).toBe("outcome-unknown");
    await site.store.advance(QUARANTINE_OVER);
    const other = await site.open();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => site.post(i % 2 === 0 ? site.gateway : other)),
    );
    expect(site.api.invoices).toHaveLength(1);
    const kinds = new Set(answers.map(({ status, code, replayed }) => code ?? `${status}${replayed ? " again" : ""}`));
    expect([...kinds].toSorted()).toEqual(expect.arrayContaining(["201"]));
    expect(kinds.isSubsetOf(new Set(["201", "201 again", "operation-in-flight", "outcome-unknown"]))).toBe(true);
    expect((await site.post()).replayed).toBe(true);
  });

  test("racing retries ask the API once at a time and gateway, and all get what it has", async () => {
    await site.lost("resets after creating");
    const answering: (() => void)[] = [];
    site.api.listing = (res, matching) => void answering.push(() => json(res, 200, { data: matching }));
    const first = site.post();
    await until("the API is asked", () => answering.length === 1);
    for (const other of await Promise.all([site.post(), site.post(), site.post()]))
      expect(because(other)).toMatchObject({ told: "409 outcome-unknown", retryAfter: "1" });
    expect(site.api.asked).toHaveLength(1);
    answering.forEach((go) => go());
    const found = await first;
    expect([found.status, (await site.post()).fields]).toEqual([201, found.fields]);
    expect([site.api.asked.length, site.api.invoices.length]).toEqual([1, 1]);
  });

  test("the owner's own answer between the looks is the truth: nothing is released, and it is replayed", async () => {
    site.api.fate = "held";
    const first = site.post();
    await until("it is executing", () => site.api.held === 1);
    const other = await site.open();
    // The lease is over for the store, and its owner still listens.
    await site.store.advance(20_000);
    expect((await site.post(other)).code).toBe("outcome-unknown");
    await site.store.advance(QUARANTINE_OVER);
    const answering: (() => void)[] = [];
    site.api.listing = (res, matching) => void answering.push(() => json(res, 200, { data: matching }));
    const second = site.post(other);
    await until("the second look is under way", () => answering.length > 0);
    site.api.letGo(); // made after the look had been answered
    const made = await first;
    expect([made.status, site.api.invoices.length]).toEqual([201, 1]);
    answering.forEach((go) => go());
    const replayed = await second;
    expect([replayed.status, replayed.replayed, replayed.headers.get("idempotency-source")]).toEqual([201, true, null]);
    expect(replayed.fields).toEqual(made.fields);
    expect(site.api.invoices).toHaveLength(1);
  });
});
