import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { erplyError } from "../support/erply-error.ts";
import { expectProblem } from "../support/expect-problem.ts";
import { startHeldUpstream } from "../support/held-upstream.ts";
import type { HeldUpstream } from "../support/held-upstream.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import { STORES } from "../support/test-store.ts";
import type { TestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";

const FORM = "application/x-www-form-urlencoded";
const erply = (codes: object): object => ({ format: "erply", codes });
const requesting = (...names: string[]): object => ({ body: { request: names } });
const RULES = [
  {
    name: "edit",
    match: { ...requesting("saveSalesDocument"), bodyPresent: ["id"] },
    scope: ["body:clientCode"],
    serialize: { document: "body:id", kind: "sales-document", wait: "5s" },
    errors: erply({ "document-busy": 1205 }),
  },
  {
    name: "delete",
    match: requesting("deleteSalesDocument"),
    scope: ["body:clientCode"],
    exclusive: { document: "body:documentID", kind: "sales-document", wait: "5s" },
    errors: erply({ "document-deleting": 1204 }),
  },
  {
    name: "delete-purchase",
    match: requesting("deletePurchaseDocument"),
    scope: ["body:clientCode"],
    exclusive: { document: "body:documentID", kind: "purchase-document", wait: "5s" },
  },
];

describe.each(STORES)("with rules that serialise documents, two gateways on %s", (_name, start) => {
  let store: TestStore;
  let held: HeldUpstream;
  let gateways: { url: string; adminUrl: string; lines: string[]; close(): Promise<void> }[] = [];
  beforeEach(async () => {
    [store, held] = [await start(), await startHeldUpstream()];
    const env = { ONCEGATE_UPSTREAM_URL: held.url, ONCEGATE_STORE: store.url };
    const rules = JSON.stringify({ version: 1, rules: RULES });
    gateways = [await openGateway(env, { rules }), await openGateway(env, { rules })];
    await Promise.all(gateways.map(untilReady));
  });
  afterEach(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await held.close();
    await store.destroy();
  });

  /** A form as ERPLY's clients send it; `name` is for the upstream. */
  const ask = (gateway: 0 | 1, name: string, fields: Record<string, string>, key?: string): Promise<Answer> =>
    send(`${gateways[gateway]!.url}/api/`, {
      headers: { "content-type": FORM, "x-test": name, ...(key === undefined ? {} : { "idempotency-key": key }) },
      body: new URLSearchParams({ clientCode: "1", ...fields }).toString(),
    });
  const edit = (gateway: 0 | 1, name: string, id = "17", more: Record<string, string> = {}) =>
    ask(gateway, name, { request: "saveSalesDocument", id, ...more });
  const remove = (gateway: 0 | 1, name: string, documentID = "17") =>
    ask(gateway, name, { request: "deleteSalesDocument", documentID });
  const end = async (name: string): Promise<void> => (await held.arrived(name)).created({ name });

  test("an edit without a key waits for the one before it, on whichever gateway, and then goes through", async () => {
    const first = edit(0, "first");
    await held.arrived("first");
    const second = edit(1, "second");
    await until("it waits", async () => (await turnsAsked(1)) > 0);
    expect(held.count("second")).toBe(0);
    await end("first");
    expect((await first).fields).toEqual({ name: "first" });
    await end("second");
    const answer = await second;
    expect([answer.status, answer.fields, answer.headers.get("idempotency-stored")]).toEqual([
      201,
      { name: "second" },
      null,
    ]);
    expect(await store.names()).toEqual([]); // nobody can ask for them again
  });

  test("who waited its time is dropped in the API's own words, and nothing of it is sent", async () => {
    const first = edit(0, "first");
    await held.arrived("first");
    const refused = await edit(1, "second");
    expect([refused.status, refused.fields]).toEqual([200, erplyError("saveSalesDocument", 1205)]);
    await end("first");
    expect((await first).status).toBe(201);
    expect(held.count("second")).toBe(0);
  });

  test("other documents, other customers' and other kinds of the same number wait for nobody", async () => {
    const first = edit(0, "first");
    await held.arrived("first");
    const others = [
      edit(1, "other document", "18"),
      edit(1, "other customer", "17", { clientCode: "2" }),
      ask(1, "other kind", { request: "deletePurchaseDocument", documentID: "17" }),
      ask(1, "a new one", { request: "saveSalesDocument" }),
    ];
    for (const name of ["other document", "other customer", "other kind", "a new one"]) await end(name);
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    await end("first");
    await first;
  });

  test("a second delete is refused at once, while the first one runs and while it waits for an edit", async () => {
    const editing = edit(0, "edit");
    await held.arrived("edit");
    const removing = remove(0, "delete");
    await until("it waits", async () => (await turnsAsked(0)) > 1);
    const refused = await remove(1, "second");
    expect([refused.status, refused.fields]).toEqual([200, erplyError("deleteSalesDocument", 1204)]);
    await end("edit");
    await held.arrived("delete");
    expect((await remove(1, "third")).fields).toEqual(erplyError("deleteSalesDocument", 1204));
    await end("delete");
    expect([(await editing).status, (await removing).status]).toEqual([201, 201]);
    expect([held.count("second"), held.count("third")]).toEqual([0, 0]);
  });

  test("an edit behind a delete waits for it, and the API says what became of the document", async () => {
    const removing = remove(0, "delete");
    await held.arrived("delete");
    const editing = edit(1, "edit");
    await until("it waits", async () => (await turnsAsked(1)) > 0);
    expect(held.count("edit")).toBe(0);
    await end("delete");
    (await held.arrived("edit")).answer(404);
    expect([(await removing).status, (await editing).status]).toEqual([201, 404]);
  });

  test("an edit with a key has its turn too, and its answer is kept", async () => {
    const keyed = (gateway: 0 | 1) =>
      ask(gateway, "keyed", { request: "saveSalesDocument", id: "17" }, "the key of one edit");
    const first = edit(0, "first");
    await held.arrived("first");
    const waiting = keyed(0);
    await until("it waits", async () => (await turnsAsked(0)) > 1);
    expectProblem(await keyed(1), "operation-in-flight");
    await end("first");
    await end("keyed");
    expect((await waiting).status).toBe(201);
    expect((await keyed(1)).replayed).toBe(true);
    expect(held.count("keyed")).toBe(1);
    await first;
  });

  /** How often a gateway has asked its store for a turn. */
  async function turnsAsked(gateway: 0 | 1): Promise<number> {
    const metrics = await (await fetch(`${gateways[gateway]!.adminUrl}/metrics`)).text();
    return Number(/^oncegate_store_seconds_count\{verb="enter",answered="true"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
  }
});
