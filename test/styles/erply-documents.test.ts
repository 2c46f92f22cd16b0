import { beforeEach, describe, expect, test } from "@jest/globals";
import { erplyError } from "../support/erply-error.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { erplySite } from "./erply-site.ts";
import type { ErplyAnswer } from "./erply-site.ts";

const DELETES: [request: string, document: string, made: Record<string, string>][] = [
  ["deleteSalesDocument", "documentID", { request: "saveSalesDocument", customerID: "7" }],
  ["deletePurchaseDocument", "documentID", { request: "savePurchaseDocument", supplierID: "7" }],
  [
    "deleteInventoryRegistration",
    "inventoryRegistrationID",
    { request: "saveInventoryRegistration", warehouseID: "1" },
  ],
  ["deleteInventoryTransfer", "inventoryTransferID", { request: "saveInventoryTransfer", warehouseFromID: "1" }],
  ["deleteInventoryWriteOff", "inventoryWriteOffID", { request: "saveInventoryWriteOff", warehouseID: "1" }],
];

describe.each(STORES)("style 2, erply.yaml: edits and deletes of one document; two gateways on %s", (_name, start) => {
  const site = erplySite(start);
  const { call, open } = site;
  /** Calls that have arrived at the API and wait there, by their notes. */
  let held: Map<string, () => void>;
  const hold = (): void => {
    site.erply.before = ({ fields }) =>
      new Promise((resolve) => held.set(fields["notes"] ?? "", () => resolve(undefined)));
  };
  const arrived = (notes: string) => until(`${notes} is with the API`, () => held.get(notes));
  const end = async (notes: string): Promise<void> => (await arrived(notes))();
  const edit = (gateway: 0 | 1, notes: string, id = "101") =>
    call(gateway, { request: "saveSalesDocument", id, notes });
  const remove = (gateway: 0 | 1, notes: string) =>
    call(gateway, { request: "deleteSalesDocument", documentID: "101", notes });
  const notesOf = () => site.erply.calls.map(({ fields }) => fields["notes"]).filter((notes) => notes !== undefined);
  /** How often a gateway has asked for a turn. */
  const asked = async (gateway: 0 | 1): Promise<number> => {
    const metrics = await (await fetch(`${site.gateways[gateway]!.adminUrl}/metrics`)).text();
    return Number(/^oncegate_store_seconds_count\{verb="enter",answered="true"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
  };
  /** Resolves to the answer of what is in the line by then. */
  const inLine = async (gateway: 0 | 1, ask: () => Promise<ErplyAnswer>): Promise<{ answer: Promise<ErplyAnswer> }> => {
    const before = await asked(gateway);
    const answer = ask();
    await until("it waits", async () => (await asked(gateway)) > before);
    return { answer };
  };
  beforeEach(async () => {
    held = new Map();
    await open();
    await call(0, { request: "saveSalesDocument", customerID: "7" });
  });

  test("simultaneous edits run one after the other, in order of arrival, across the gateways", async () => {
    hold();
    const answers = [edit(0, "first")];
    await arrived("first");
    const names = ["second", "third", "fourth", "fifth"];
    for (const [i, name] of names.entries()) {
      const gateway = ((i + 1) % 2) as 0 | 1;
      answers.push((await inLine(gateway, () => edit(gateway, name))).answer);
    }
    for (const name of ["first", ...names]) await end(name);
    expect((await Promise.all(answers)).map(({ errorCode }) => errorCode)).toEqual([0, 0, 0, 0, 0]);
    expect(notesOf()).toEqual(["first", ...names]);
  });

  test("whoever waited 5 s is dropped with 1205, and others' documents wait for nobody", async () => {
    hold();
    const first = edit(0, "first");
    await arrived("first");
    const from = performance.now();
    const dropped = await edit(1, "second");
    const waited = performance.now() - from;
    expect(dropped.fields).toEqual(erplyError("saveSalesDocument", 1205));
    expect(waited).toBeGreaterThan(4_500);
    const other = call(1, { request: "saveSalesDocument", clientCode: "401", id: "101", notes: "another tenant's" });
    await end("another tenant's");
    expect((await other).errorCode).toBe(1011); // it has none
    await end("first");
    expect([(await first).errorCode, notesOf()]).toEqual([0, ["first", "another tenant's"]]);
  });

  test.each(DELETES)(
    "of two simultaneous %s of one document the second gets 1204 at once",
    async (request, name, made) => {
      await call(0, made);
      const id = String(site.erply.documents.at(-1)?.id);
      const deleting = (gateway: 0 | 1, notes: string) => call(gateway, { request, [name]: id, notes });
      hold();
      const first = deleting(0, "first");
      await arrived("first");
      expect((await deleting(1, "second")).fields).toEqual(erplyError(request, 1204)); // while the first one runs
      await end("first");
      expect((await first).errorCode).toBe(0);
      site.erply.before = () => undefined;
      const isTheApis = async () => (await deleting(1, "later")).errorCode === 1011;
      await until("its turn has been given back: the API says that there is none", isTheApis);
      expect(notesOf()).toEqual(["first", "later"]);
    },
  );

  test("a delete waits for the edits before it, and a second one is refused while it does", async () => {
    hold();
    const editing = edit(0, "edit");
    await arrived("edit");
    const { answer: removing } = await inLine(1, () => remove(1, "delete"));
    expect((await remove(0, "second delete")).errorCode).toBe(1204);
    await end("edit");
    await end("delete");
    expect([(await editing).errorCode, (await removing).errorCode]).toEqual([0, 0]);
    expect([notesOf(), site.erply.documents]).toEqual([["edit", "delete"], []]);
  });

  test("an edit behind a delete waits for it, and is then answered by the API", async () => {
    hold();
    const removing = remove(0, "delete");
    await arrived("delete");
    const { answer: editing } = await inLine(1, () => edit(1, "edit"));
    await end("delete");
    await end("edit");
    expect([(await removing).errorCode, (await editing).errorCode]).toEqual([0, 1011]);
    expect(notesOf()).toEqual(["delete", "edit"]);
  });
});
