import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { exchange } from "../support/raw-exchange.ts";
import { INVOICE, startSampleApi, type SampleApi } from "../support/sample-api.ts";

let api: SampleApi;
beforeAll(async () => {
  api = await startSampleApi();
});
afterAll(() => api.close());
beforeEach(() => request(api.url).delete("/invoices").expect(204));

function post(body: object = INVOICE) {
  return request(api.url).post("/invoices").send(body);
}

describe("invoices", () => {
  test("creates an invoice with its exact total and says where it is", async () => {
    const created = await post().expect(201);
    expect(created.body).toMatchObject({ ...INVOICE, total: "99999999999.50", revision: 1 });
    expect(created.headers["location"]).toBe(`/invoices/${created.body.id}`);
    const found = await request(api.url).get(`/invoices/${created.body.id}`).expect(200);
    expect(found.body).toEqual(created.body);
  });

  test("makes two invoices of two equal requests, whatever key they carry", async () => {
    const first = await post().set("x-idempotency-key", "order-1").expect(201);
    const second = await post().set("x-idempotency-key", "order-1").expect(201);
    const list = await request(api.url).get("/invoices").expect(200);
    expect(list.body).toEqual({ count: 2, invoices: [first.body, second.body] });
  });

  test("lists by number", async () => {
    await post();
    const other = await post({ ...INVOICE, number: "2026-002" });
    const list = await request(api.url).get("/invoices").query({ number: "2026-002" });
    expect(list.body).toEqual({ count: 1, invoices: [other.body] });
  });

  test("lists everything that is wrong in a 422 and creates nothing", async () => {
    const lines = [{ description: "Pen", quantity: 1.5, unitPrice: 9.99 }];
    const refused = await post({ customer: "", currency: "euro", lines }).expect(422);
    expect(refused.headers["content-type"]).toBe("application/problem+json");
    expect(refused.body.errors.map((error: { field: string }) => error.field)).toEqual([
      "customer",
      "number",
      "currency",
      "lines.0.quantity",
      "lines.0.unitPrice",
    ]);
    expect(await count("/invoices")).toBe(0);
  });

  test.each([
    ["malformed JSON", "application/json", '{"customer":', 400],
    ["no JSON", "text/plain", "hello", 422],
    ["a body over the limit", "application/json", `"${"x".repeat(1_100_000)}"`, 413],
  ])("refuses %s", async (_, type, body, status) => {
    await request(api.url).post("/invoices").set("content-type", type).send(body).expect(status);
    expect(await count("/invoices")).toBe(0);
  });

  test("changes the named fields and counts the change", async () => {
    const { body } = await post();
    const lines = [{ description: "Pen", quantity: 2, unitPrice: "1" }];
    const changed = await request(api.url).patch(`/invoices/${body.id}`).send({ lines }).expect(200);
    expect(changed.body).toMatchObject({ customer: INVOICE.customer, lines, total: "2.00", revision: 2 });
    await request(api.url).patch(`/invoices/${body.id}`).send({}).expect(422);
    await request(api.url).patch("/invoices/0").send({ lines }).expect(404);
  });

  test("renders a PDF whose cross-reference table is right, and counts the rendering", async () => {
    const { body } = await post({ ...INVOICE, customer: "Größe (Öl) \\ 東" });
    const rendered = await request(api.url).post(`/invoices/${body.id}/pdf`).expect(200);
    expect(rendered.headers["content-type"]).toBe("application/pdf");
    expectValidPdf(rendered.body);
    expect(rendered.body.toString("latin1")).toContain("(Gr\xf6\xdfe \\(\xd6l\\) \\\\ ?)");
    const after = await request(api.url).get(`/invoices/${body.id}`);
    expect(after.body.renderings).toBe(1);
  });
});

describe("documents", () => {
  const submit = () => request(api.url).post("/v1/documents").set("x-correlationId", "corr-7");

  test("takes a base64 document from a caller with Authorization and echoes the correlation id", async () => {
    const taken = await submit().set("authorization", "Bearer me").send({ data: "SGVsbG8=", dataEncoding: "base64" });
    expect(taken.status).toBe(201);
    expect(taken.headers["x-correlationid"]).toBe("corr-7");
    const list = await request(api.url).get("/v1/documents").set("authorization", "Bearer me").expect(200);
    expect(list.body).toMatchObject({ count: 1, documents: [{ documentId: taken.body.documentId, bytes: 5 }] });
  });

  test("refuses a caller without Authorization before it looks at the body", async () => {
    const refused = await submit().set("content-type", "application/json").send("{").expect(401);
    expect(refused.headers["www-authenticate"]).toBe("Bearer");
  });

  test.each([[{}], [{ data: "not base64!" }], [{ data: "" }], [{ data: "SGVsbG8=", dataEncoding: "hex" }]])(
    "refuses %j with 400",
    async (body) => {
      const refused = await submit().set("authorization", "Bearer me").send(body);
      expect(refused.status).toBe(400);
    },
  );
});

describe("samples", () => {
  const sample = (answer: string, body?: string) => exchange(api.port, "/samples", { "x-sample-answer": answer }, body);

  test("keep the size and digest of the body that arrived", async () => {
    await sample("json", "any \u00fc body");
    const { body } = await request(api.url).get("/samples");
    const sha256 = createHash("sha256").update("any \u00fc body").digest("hex");
    expect(body.samples.at(-1)).toMatchObject({ answer: "json", bytes: 11, sha256 });
  });

  test("pdf", async () => {
    const { head, body } = await sample("pdf");
    expect(head).toContain("Content-Type: application/pdf");
    expectValidPdf(body);
  });

  test("gzip", async () => {
    const { head, body } = await sample("gzip");
    expect(head).toContain("Content-Encoding: gzip");
    expect(JSON.parse(gunzipSync(body).toString())).toHaveProperty("id");
  });

  test("an empty 204 has neither body nor length", async () => {
    const { head, body } = await sample("empty");
    expect(head).toMatch(/^HTTP\/1\.1 204 /);
    expect(head).not.toMatch(/content-(length|type)/i);
    expect(body).toHaveLength(0);
  });

  test("chunked comes in three chunks", async () => {
    const { head, body } = await sample("chunked");
    expect(head).toContain("Transfer-Encoding: chunked");
    expect(head).not.toContain("Content-Length");
    expect(body.toString()).toMatch(/^(?:[0-9a-f]+\r\n[^\r]+\r\n){3}0\r\n\r\n$/);
  });

  test("repeated headers keep their case, order and number", async () => {
    const { head } = await sample("repeated-headers");
    expect(head.match(/^(X-Sample-Note|Set-Cookie|Link): .*$/gm)).toEqual([
      "X-Sample-Note: first",
      "Set-Cookie: session=one; Path=/",
      "X-Sample-Note: second",
      "Set-Cookie: theme=dark; Path=/",
      'Link: </samples?page=2>; rel="next"',
      'Link: </samples?page=9>; rel="last"',
    ]);
  });

  test("latin1 header bytes are one byte each", async () => {
    const { received } = await sample("latin1");
    expect(received.includes(Buffer.from("X-Sample-Name: Caf\xe9 Z\xfcrich \xa7\xff\r\n", "latin1"))).toBe(true);
  });

  test("large answers have the size that was asked for", async () => {
    const { body } = await sample("large:1000003");
    expect(body).toEqual(Buffer.alloc(1_000_003, "0123456789abcdef"));
  });

  test.each(["bogus", "toString", "large:99999999", "large:-1"])("%s is refused and makes no row", async (answer) => {
    const before = await count("/samples");
    expect((await sample(answer)).head).toMatch(/^HTTP\/1\.1 400 /);
    expect(await count("/samples")).toBe(before);
  });
});

test("answers 404 as a problem where there is nothing, and health with 200", async () => {
  const missing = await request(api.url).get("/nothing").expect(404);
  expect(missing.headers["content-type"]).toBe("application/problem+json");
  await request(api.url).get("/health").expect(200);
});

async function count(path: string): Promise<number> {
  return (await request(api.url).get(path)).body.count;
}

function expectValidPdf(file: Buffer): void {
  const text = file.toString("latin1");
  expect(text).toMatch(/^%PDF-1\.4\n[^]*%%EOF\n$/);
  const table = Number(/startxref\n(\d+)\n/.exec(text)?.[1]);
  expect(text.slice(table)).toMatch(/^xref\n0 6\n/);
  const offsets = Array.from(text.slice(table).matchAll(/^(\d{10}) 00000 n $/gm), ([, offset]) => Number(offset));
  expect(offsets).toHaveLength(5);
  for (const [index, offset] of offsets.entries()) {
    expect(text.slice(offset)).toMatch(new RegExp(String.raw`^${index + 1} 0 obj\n`));
  }
  const [, length, stream] = /\/Length (\d+) >>\nstream\n([^]*)\nendstream/.exec(text) ?? [];
  expect(stream).toHaveLength(Number(length));
}
