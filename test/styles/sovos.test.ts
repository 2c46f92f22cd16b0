import { describe, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { expectProblem } from "../support/expect-problem.ts";
import { answerJson, style } from "./style.ts";

/** Documents are created at every POST; an invoice that the tax office would not take is refused with 422. */
const sovos = style("sovos.yaml", ({ method, body }, res, made) => {
  if (method === "GET") return answerJson(res, 200, made);
  const { data } = JSON.parse(body) as { data: string };
  const invoice = Buffer.from(data, "base64").toString();
  if (invoice.includes("invalid")) return answerJson(res, 422, { error: "not valid" });
  made.push(invoice);
  answerJson(res, 201, { documentId: randomUUID() });
});
const encoded = (invoice: string): string => Buffer.from(invoice).toString("base64");
const post = (document: object, key = "3f2b") =>
  sovos.send("/v1/documents", {
    headers: {
      authorization: "Bearer t1",
      "x-correlationId": randomUUID(),
      "x-idempotency-Key": key,
      "content-type": "application/json",
    },
    body: JSON.stringify(document),
  });
const DOCUMENT = { data: encoded("<Invoice/>"), dataEncoding: "base64" };

describe("style 1, sovos.yaml: a header key, results kept 24 h", () => {
  test("the sample request, sent twice with one key, makes one document and is answered the same", async () => {
    const [first, retry] = [await post(DOCUMENT), await post(DOCUMENT)];
    expect([first.status, retry.status, retry.replayed, sovos.made]).toEqual([201, 201, true, ["<Invoice/>"]]);
    expect(retry.body).toEqual(first.body);
  });

  test("a validation failure at the gateway itself saves nothing", async () => {
    const refused = await post({ ...DOCUMENT, dataEncoding: "hex" });
    expectProblem(refused, "validation-failed");
    expect(refused.fields["errors"]).toEqual([
      { pointer: "/dataEncoding", detail: "must be equal to one of the allowed values" },
    ]);
    expect([(await post(DOCUMENT)).status, sovos.made.length]).toEqual([201, 1]);
  });

  test.each([
    ["nothing of it", {}],
    ["without its data", { dataEncoding: "base64" }],
    ["without saying how it is encoded", { data: DOCUMENT.data }],
    ["with empty data", { ...DOCUMENT, data: "" }],
    ["with data that is no base64", { ...DOCUMENT, data: "<Invoice/>" }],
  ])("a document is refused before it is sent: %s", async (_, document) => {
    expectProblem(await post(document), "validation-failed");
    expect(sovos.made).toEqual([]);
  });

  test("a key has at most 64 characters", async () => {
    expectProblem(await post(DOCUMENT, "k".repeat(65)), "key-invalid");
    expect([(await post(DOCUMENT, "k".repeat(64))).status, sovos.made.length]).toEqual([201, 1]);
  });

  test("a validation failure at the backend saves nothing", async () => {
    const refused = await post({ ...DOCUMENT, data: encoded("<invalid/>") });
    expect([refused.status, refused.fields]).toEqual([422, { error: "not valid" }]);
    expect([(await post(DOCUMENT)).status, sovos.made.length]).toEqual([201, 1]);
  });

  test("another document with the same key is refused, and with another key is another document", async () => {
    await post(DOCUMENT);
    const other = { ...DOCUMENT, data: encoded("<Other/>") };
    expectProblem(await post(other), "key-reused");
    expect([(await post(other, "9c1d")).status, sovos.made.length]).toEqual([201, 2]);
  });
});
