import { beforeEach, describe, expect, test } from "@jest/globals";
import { erplyError } from "../support/erply-error.ts";
import { expectProblem } from "../support/expect-problem.ts";
import { send, untilReady } from "../support/installation.ts";
import { STORES } from "../support/test-store.ts";
import { erplySite } from "./erply-site.ts";

const HOUR = 3_600_000;
const UUID = "DOC-0000.1";
const SALE = {
  request: "saveSalesDocument",
  customerID: "7",
  date: "2026-11-22",
  productID1: "3",
  amount1: "2",
  price1: "9.99",
};
const KINDS_OF_BODY = [
  ["a form", { isJson: false }],
  ["JSON", { isJson: true }],
] as const;

describe.each(STORES)(
  "style 2, erply.yaml: RPC over form posts, key in the body; two gateways on %s",
  (_name, start) => {
    const site = erplySite(start);
    const { call } = site;
    beforeEach(() => site.open());
    const create = (gateway: 0 | 1, more: Record<string, string> = {}, how?: Parameters<typeof call>[2]) =>
      call(gateway, { ...SALE, temporaryUUID: UUID, ...more }, how);

    test.each(KINDS_OF_BODY)(
      "%s: a second create with a temporaryUUID is rejected with 1206, no replay",
      async (_, how) => {
        const first = await create(0, {}, how);
        expect([first.status, first.errorCode, first.records[0]?.["invoiceID"]]).toEqual([200, 0, 101]);
        for (const gateway of [0, 1] as const) {
          const second = await create(gateway, {}, how); // in another session
          expect([second.status, second.replayed, second.fields]).toEqual([
            200,
            false,
            erplyError("saveSalesDocument", 1206),
          ]);
        }
        expect((await create(1, { amount1: "3" }, how)).errorCode).toBe(1206); // whatever else is in it
        expect(site.erply.documents).toHaveLength(1);
      },
    );

    test.each(KINDS_OF_BODY)("%s: a simultaneous create with it is rejected with 1204", async (_, how) => {
      const running = Promise.withResolvers<void>();
      const arrived = Promise.withResolvers<void>();
      site.erply.before = () => {
        arrived.resolve();
        return running.promise;
      };
      const first = create(0, {}, how);
      await arrived.promise;
      expect((await create(1, {}, how)).fields).toEqual(erplyError("saveSalesDocument", 1204));
      running.resolve();
      expect([(await first).errorCode, (await create(1, {}, how)).errorCode]).toEqual([0, 1206]);
      expect(site.erply.calls).toHaveLength(1);
    });

    test("with a document id it is an edit, and allowed", async () => {
      const id = String((await create(0)).records[0]?.["invoiceID"]);
      for (const [gateway, notes] of [
        [0, "one"],
        [1, "two"],
      ] as const)
        expect((await create(gateway, { id, notes })).errorCode).toBe(0);
      expect(site.erply.documents.map(({ fields }) => fields["notes"])).toEqual(["two"]);
    });

    test("the POS attribute source-uuid is the same thing, whatever its number", async () => {
      const attribute = (number: number): Record<string, string> => ({
        [`attributeName${number}`]: "source-uuid",
        [`attributeType${number}`]: "text",
        [`attributeValue${number}`]: UUID,
      });
      expect(
        (await call(0, { ...SALE, ...attribute(2), attributeName1: "till", attributeValue1: "5" })).errorCode,
      ).toBe(0);
      for (const more of [attribute(1), { temporaryUUID: UUID }, { ...attribute(3), temporaryUUID: UUID }])
        expect((await call(1, { ...SALE, amount1: "3", ...more })).errorCode).toBe(1206);
      const differing = { ...attribute(1), temporaryUUID: "another" };
      expect((await call(1, { ...SALE, ...differing })).fields).toEqual(erplyError("saveSalesDocument", 1013));
      expect(site.erply.calls).toHaveLength(1);
    });

    test("its characters are a-z A-Z 0-9 . -, and at most 128 of them", async () => {
      const all = "azAZ09.-".repeat(16);
      expect((await create(0, { temporaryUUID: all })).errorCode).toBe(0);
      for (const temporaryUUID of [`${all}a`, "a b", "a_b", "ä", "a,b"])
        expect((await create(0, { temporaryUUID })).fields).toEqual(erplyError("saveSalesDocument", 1014));
      expect(site.erply.calls).toHaveLength(1);
    });

    test("it is remembered for 24 h", async () => {
      const create17 = (customNumber: string) => create(0, { customNumber }); // no duplicates of each other
      expect((await create17("1")).errorCode).toBe(0);
      await site.store.advance(23.9 * HOUR);
      expect((await create17("2")).errorCode).toBe(1206);
      await site.store.advance(0.2 * HOUR);
      expect((await create17("3")).errorCode).toBe(0);
      expect(site.erply.documents).toHaveLength(2);
    });

    test("keys are kept apart by clientCode and by call; sessionKey has no part in it", async () => {
      const payment = { request: "savePayment", documentID: "101", sum: "19.98", temporaryUUID: UUID };
      const calls = [create(0, { sessionKey: "session-a" }), create(0, { clientCode: "401" }), call(0, payment)];
      expect((await Promise.all(calls)).map(({ errorCode }) => errorCode)).toEqual([0, 0, 0]);
      expect((await create(0, { sessionKey: "session-b" })).errorCode).toBe(1206);
      expect((await call(1, { ...payment, sum: "20" })).errorCode).toBe(1206);
      expect(site.erply.documents).toHaveLength(3);
    });

    test("success and failure are read from the body: what was refused may be sent again with the same temporaryUUID", async () => {
      for (const [more, code] of [
        [{ sessionKey: "expired" }, 1055],
        [{ customerID: "" }, 1010],
      ] as const) {
        const refused = await create(0, more);
        expect([refused.status, refused.errorCode]).toEqual([200, code]);
      }
      expect([(await create(1)).errorCode, (await create(0)).errorCode]).toEqual([0, 1206]);
      expect(site.erply.documents).toHaveLength(1);
    });

    test("a code that may come after the document was saved is unknown: never 1206, and never sent again", async () => {
      site.erply.answer = (res) => {
        res.writeHead(200, { "content-type": "application/json" });
        res.end(JSON.stringify({ status: { errorCode: 1000 }, records: null }));
      };
      expect((await create(0)).errorCode).toBe(1000);
      expectProblem(await create(1), "outcome-unknown");
      expect(site.erply.calls).toHaveLength(1);
    });

    test("what else the gateway refuses has a code of that API, too", async () => {
      expect((await create(0, { clientCode: "" })).fields).toEqual(erplyError("saveSalesDocument", 1001));
      site.store.fail();
      expect((await create(0)).fields).toEqual(erplyError("saveSalesDocument", 1000));
      site.store.recover();
      await Promise.all(site.gateways.map(untilReady));
    });

    test("a new document or payment without one session is refused with 1001, and nothing is sent", async () => {
      const type = { "content-type": "application/x-www-form-urlencoded" };
      for (const request of ["saveSalesDocument", "savePayment"])
        for (const session of ["", "&sessionKey=", "&sessionKey=session-a&sessionKey=session-b"])
          for (const key of ["", `&temporaryUUID=${UUID}`]) {
            const body = `request=${request}&clientCode=400&customerID=7&sum=19.98${session}${key}`;
            const refused = await send(`${site.gateways[0]!.url}/api/`, { headers: type, body });
            expect([body, refused.status, refused.fields]).toEqual([body, 200, erplyError(request, 1001)]);
          }
      expect(site.erply.calls).toHaveLength(0);
    });

    test("all other calls pass as they are", async () => {
      await create(0);
      const { errorCode, records } = await call(1, { request: "getSalesDocuments", temporaryUUID: UUID });
      expect([errorCode, records.length]).toEqual([0, 1]);
      expect((await call(1, { request: "nonsense" })).errorCode).toBe(1005);
    });
  },
);
