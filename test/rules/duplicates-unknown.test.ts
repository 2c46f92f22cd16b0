import { describe, expect, test } from "@jest/globals";
import type { OpenGateway } from "../support/open-gateway.ts";
import { STORES } from "../support/test-store.ts";
import { because, ProbedSite, QUARANTINE_OVER } from "./probed-site.ts";

// oxlint-disable-next-line unicorn/no-thenable -- the rules file's own word, and no function
const DUPLICATES = { fields: ["body:invoice_number"], then: "replay" };
const KEYLESS = { key: null };

/** A retry without a key, of an original whose outcome is unknown, has the API asked as one with a key has. */
describe.each(STORES)("a duplicate of an original that nobody knows the end of, on %s", (_name, startStore) => {
  const site = new ProbedSite(startStore);
  const lost = async (fate: Parameters<typeof site.lost>[0], duplicates = {}, rule = {}): Promise<OpenGateway> => {
    const gateway = await site.open({ duplicates: { ...DUPLICATES, ...duplicates }, ...rule });
    const first = await site.lost(fate, gateway, KEYLESS);
    expect(first.status).toBe(502);
    return gateway;
  };

  test("the client without a key is told to send the same again, and gets what was made", async () => {
    const gateway = await site.open({ duplicates: DUPLICATES });
    const first = await site.lost("resets after creating", gateway, KEYLESS);
    expect(because(first)).toMatchObject({
      retryAfter: "1",
      detail: expect.stringContaining("Send the same request again: the API is asked"),
    });
    const retry = await site.post(gateway, KEYLESS);
    expect([retry.status, retry.replayed, retry.headers.get("idempotency-source")]).toEqual([
      201,
      true,
      "probe, duplicate",
    ]);
    expect(retry.fields).toEqual(site.api.invoices[0]);
    expect((await site.post(gateway, KEYLESS)).replayed).toBe(true);
    expect([site.api.invoices.length, site.api.asked.length]).toEqual([1, 1]);
    expect(await site.journal()).toMatchObject({ entries: [{ event: "resolved", verdict: "executed", by: "probe" }] });
  });

  test("not found twice, the quarantine apart, is executed by the very retry", async () => {
    const gateway = await lost("resets before creating");
    for (let i = 0; i < 2; i++) {
      const once = await site.post(gateway, KEYLESS);
      expect(because(once)).toMatchObject({ told: "409 outcome-unknown", detail: expect.stringContaining(" in 34") });
    }
    await site.store.advance(QUARANTINE_OVER);
    const retry = await site.post(gateway, KEYLESS);
    expect([retry.status, retry.replayed]).toEqual([201, false]);
    expect((await site.post(gateway, KEYLESS)).headers.get("idempotency-source")).toBe("duplicate");
    expect(site.api.invoices).toHaveLength(1);
  });

  test("the same request with a key of its own asks, too; racing ones execute it once", async () => {
    const gateway = await lost("resets before creating");
    expect((await site.post(gateway, { key: "k1" })).code).toBe("outcome-unknown");
    await site.store.advance(QUARANTINE_OVER);
    const racing = Array.from({ length: 12 }, (_, i) => site.post(gateway, { key: i % 2 === 0 ? `k${i}` : null }));
    const kinds = new Set((await Promise.all(racing)).map(({ status, code }) => code ?? String(status)));
    expect(kinds.isSubsetOf(new Set(["201", "operation-in-flight", "outcome-unknown"]))).toBe(true);
    expect(site.api.invoices).toHaveLength(1);
  });

  test.each([
    ["is merely alike, and could ask about something else", {}, { more: { customer: "Bob" } }],
    ["is not known to be the same, its content being nobody's matter", { fingerprint: { mode: "none" } }, {}],
    ["comes from another credential of the scope", { scope: ["header:x-org"] }, { authorization: "Bearer other" }],
  ])("one that %s asks nothing and frees nothing", async (_, rule, posting) => {
    const gateway = await lost("resets before creating", {}, rule);
    for (let i = 0; i < 2; i++) {
      const told = await site.post(gateway, { ...KEYLESS, ...posting });
      expect(because(told)).toMatchObject({
        told: "409 outcome-unknown",
        retryAfter: null,
        detail: expect.stringContaining("This one was not sent."),
      });
      await site.store.advance(QUARANTINE_OVER);
    }
    expect([site.api.asked.length, site.api.invoices.length]).toEqual([0, 0]);
  });

  test("where duplicates are refused, what was found makes it one", async () => {
    // oxlint-disable-next-line unicorn/no-thenable -- as above
    const gateway = await lost("resets after creating", { then: "reject" });
    expect((await site.post(gateway, KEYLESS)).code).toBe("duplicate");
    expect(site.api.invoices).toHaveLength(1);
  });
});
