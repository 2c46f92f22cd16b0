import { describe, expect, test } from "@jest/globals";
import { erplyError } from "../support/erply-error.ts";
import { STORES } from "../support/test-store.ts";
import { erplySite } from "./erply-site.ts";
import type { ErplyAnswer } from "./erply-site.ts";

/** Who is shown what is stored; `call` itself makes a new session each time. */
const SESSION = { sessionKey: "session-of-the-till" };
const SALE = {
  ...SESSION,
  request: "saveSalesDocument",
  type: "INVWAYBILL",
  customerID: "7",
  customNumber: "2026-17",
  date: "2026-11-22",
  currencyCode: "EUR",
  productID1: "3",
  amount1: "2",
  price1: "9.99",
  itemName2: "Delivery",
  amount2: "1",
  price2: "5",
};
const PAYMENT = {
  ...SESSION,
  request: "savePayment",
  documentID: "101",
  typeID: "1",
  date: "2026-11-22",
  sum: "24.98",
};
const BOTH = [
  ["sales document", SALE],
  ["payment", PAYMENT],
] as const;
const ANOTHER = { headers: { "x-not-a-duplicate": "true" } };

describe.each(STORES)("style 2, erply.yaml: duplicate elimination; two gateways on %s", (_name, start) => {
  const site = erplySite(start);
  const { call, open } = site;
  const then = (action: string) => (rules: string) => rules.replaceAll("then: replay", `then: ${action}`);
  const told = ({ errorCode, records, headers }: ErplyAnswer) => [
    errorCode,
    records[0]?.["invoiceID"] ?? records[0]?.["paymentID"],
    headers.get("idempotency-source"),
  ];

  test.each(BOTH)(
    "a %s without any key that is identical is not forwarded; the answer has the id and details of the existing one",
    async (_, fields) => {
      await open();
      const first = await call(0, fields);
      for (const how of [{}, { headers: { "x-request-id": "r2" } }]) {
        const second = await call(1, { ...fields, notes: "sent again" }, how);
        expect([second.fields, ...told(second)]).toEqual([first.fields, 0, 101, "duplicate"]);
      }
      expect(site.erply.calls).toHaveLength(1);
    },
  );

  test.each(BOTH)(
    "another session of the tenant gets 1206 for an identical %s, with a key or without, and nothing of what there is",
    async (_, fields) => {
      await open();
      const first = await call(0, fields);
      for (const more of [{}, { temporaryUUID: "a" }]) {
        const told1206 = await call(1, { ...fields, ...more, sessionKey: "session-of-another" });
        expect([told1206.status, told1206.fields]).toEqual([200, erplyError(fields.request, 1206)]);
        expect([told1206.replayed, told1206.headers.get("idempotency-source")]).toEqual([false, null]);
      }
      expect((await call(1, fields)).fields).toEqual(first.fields); // its own session still sees it
      expect(site.erply.calls).toHaveLength(1);
    },
  );

  test.each([
    ["customer", { customerID: "8" }],
    ["number", { customNumber: "2026-18" }],
    ["date", { date: "2026-11-23" }],
    ["currency", { currencyCode: "SEK" }],
    ["total", { price1: "9.98" }],
    ["rows", { itemName3: "Wrapping", amount3: "1", price3: "1" }],
    ["tenant", { clientCode: "401" }],
  ])("one of another %s is another one", async (_, differing) => {
    await open();
    await call(0, SALE);
    expect(told(await call(1, { ...SALE, ...differing }))).toEqual([0, 102, null]);
  });

  test("it is in force whether or not a key was sent", async () => {
    await open();
    await call(0, { ...SALE, temporaryUUID: "a" });
    expect(told(await call(1, { ...SALE, temporaryUUID: "b" }))).toEqual([0, 101, "duplicate"]);
    expect(told(await call(1, SALE))).toEqual([0, 101, "duplicate"]);
    expect((await call(1, { ...SALE, temporaryUUID: "a" })).fields).toEqual(erplyError("saveSalesDocument", 1206));
    expect(site.erply.documents).toHaveLength(1);
  });

  test("of 20 at once, keyed and not, one is forwarded; who comes while it runs is told 1204", async () => {
    await open();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        call((i % 2) as 0 | 1, { ...SALE, ...(i % 4 < 2 ? { temporaryUUID: `u${i}` } : {}) }),
      ),
    );
    for (const { errorCode, records } of answers)
      expect([errorCode, records[0]?.["invoiceID"]]).toEqual(errorCode === 0 ? [0, 101] : [1204, undefined]);
    expect([site.erply.calls.length, site.erply.documents.length]).toEqual([1, 1]);
  });

  test("observe: forwarded, and only counted and logged", async () => {
    await open(then("observe"));
    await call(0, SALE);
    expect(told(await call(1, SALE))).toEqual([0, 102, null]);
    const { adminUrl, lines } = site.gateways[1]!;
    expect(await (await fetch(`${adminUrl}/metrics`)).text()).toMatch(
      /^oncegate_observed_total\{rule="create-sales-document",outcome="duplicate"\} 1$/m,
    );
    expect(lines.map((line) => (JSON.parse(line) as { observed?: string }).observed)).toContain("duplicate");
  });

  test("reject: refused, with 1206", async () => {
    await open(then("reject"));
    await call(0, SALE);
    expect((await call(1, SALE)).fields).toEqual(erplyError("saveSalesDocument", 1206));
    expect(site.erply.calls).toHaveLength(1);
  });

  test.each([
    ["a header", (rules: string) => rules, {}, ANOTHER],
    [
      "a field",
      (rules: string) => rules.replaceAll("header:x-not-a-duplicate", "body:notADuplicate"),
      { notADuplicate: "1" },
      {},
    ],
  ])("%s says that it is really another one", async (_, alter, more, how) => {
    await open(alter);
    await call(0, SALE);
    expect(told(await call(1, { ...SALE, ...more }, how))).toEqual([0, 102, null]);
    expect(told(await call(0, SALE))[2]).toBe("duplicate");
    expect(site.erply.documents).toHaveLength(2);
  });

  test("it is off where the rule does not ask for it: two equal invoices can be meant", async () => {
    await open((rules) => rules.replaceAll(/^ {4}duplicates:.*\n(?: {6}.*\n)+/gm, ""));
    expect([told(await call(0, SALE)), told(await call(1, SALE))]).toEqual([
      [0, 101, null],
      [0, 102, null],
    ]);
  });

  test("an edit is no duplicate of anything", async () => {
    await open();
    await call(0, SALE);
    for (const gateway of [0, 1] as const)
      expect(told(await call(gateway, { ...SALE, id: "101" }))).toEqual([0, 101, null]);
    expect(site.erply.calls).toHaveLength(3);
  });

  test("one that was refused was none, and one of which nobody knows is not forwarded again", async () => {
    await open();
    expect((await call(0, { ...SALE, sessionKey: "expired" })).errorCode).toBe(1055);
    site.erply.answer = (res) => void res.socket?.resetAndDestroy();
    expect((await call(0, SALE)).code).toBe("outcome-unknown");
    for (const more of [{}, { temporaryUUID: "a" }])
      expect((await call(1, { ...SALE, ...more })).code).toBe("outcome-unknown");
    expect([site.erply.calls.length, site.erply.documents.length]).toEqual([2, 1]);
  });
});
