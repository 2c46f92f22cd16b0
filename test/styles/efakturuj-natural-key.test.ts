import { beforeEach, describe, expect, test } from "@jest/globals";
import { efakturuj, WELL } from "./efakturuj-api.ts";
import type { Behaviour } from "./efakturuj-api.ts";
import { answerJson, style } from "./style.ts";

let behaves: Behaviour;
beforeEach(() => {
  behaves = WELL;
});
const api = style(
  "efakturuj.yaml",
  efakturuj(() => (work) => behaves(work)),
  (rules) => rules.replace("# duplicates:", "duplicates:"),
);

const INVOICE = { organisation_id: "org_1", invoice_number: "2026-0001", issue_date: "2026-11-22", total: "120.00" };
const post = (differing: object = {}, headers: Record<string, string> = {}) =>
  api.send("/invoices", {
    headers: { authorization: "Bearer key_1", "content-type": "application/json", ...headers },
    body: JSON.stringify({ ...INVOICE, ...differing }),
  });

describe("style 3, efakturuj.yaml: without a key, invoice_number within one organisation is the natural key", () => {
  test("a second invoice of that number gets the first one's answer, with or without a key", async () => {
    const first = await post();
    for (const headers of [{}, { "idempotency-key": "k1" }, { "x-request-id": "r1" }]) {
      const second = await post({ total: "121.00" }, headers);
      expect([second.status, second.body, second.headers.get("idempotency-source")]).toEqual([
        201,
        first.body,
        "duplicate",
      ]);
    }
    expect(api.made).toHaveLength(1);
  });

  test("another number, another organisation and another API key are other invoices", async () => {
    await post();
    for (const [differing, headers] of [
      [{ invoice_number: "2026-0002" }, {}],
      [{ organisation_id: "org_2" }, {}],
      [{}, { authorization: "Bearer key_2" }],
      [{}, { "x-not-a-duplicate": "true" }],
    ] as [object, Record<string, string>][])
      expect((await post(differing, headers)).headers.get("idempotency-source")).toBeNull();
    expect(api.made).toHaveLength(5);
  });

  test("what became of one whose answer was lost is looked up when it is sent again without a key", async () => {
    behaves = ({ make, res }) => {
      make();
      res.socket?.resetAndDestroy();
    };
    expect((await post()).code).toBe("outcome-unknown");
    behaves = WELL;
    expect((await post({ total: "121.00" })).code).toBe("outcome-unknown"); // another one, of which the API was not asked
    const again = await post();
    expect([again.status, again.fields["id"], again.headers.get("idempotency-source")]).toEqual([
      201,
      "inv_1",
      "probe, duplicate",
    ]);
    expect(api.made).toHaveLength(1);
  });

  test("one that failed to act leaves its number free", async () => {
    behaves = ({ res }) => answerJson(res, 502, { error: { code: "peppol_delivery_failed" } });
    expect((await post()).status).toBe(502);
    behaves = WELL;
    expect([(await post()).status, api.made.length]).toEqual([201, 1]);
  });
});
