import { randomBytes, randomInt, randomUUID } from "node:crypto";

const GOODS = [
  "Paper, A4, 500 sheets",
  "Delivery",
  "Consulting, hour",
  "Toner, black",
  "Chair, ergonomic",
  "Licence, monthly",
];
const NAMES = ["Lagerhaus", "Nordic Timber", "Baltic Foods", "Acme", "Kivi & Pojad", "Weiss und Sohn"];

/** An answer as invoicing APIs give them, each another one, with exactly so many bytes and eight headers. At least 300 bytes. */
export function anInvoice(bytes: number): { body: Buffer; head: string[] } {
  const id = `inv_${randomBytes(12).toString("base64url")}`;
  const lines: object[] = [];
  const invoice = {
    id,
    object: "invoice",
    number: `2026-${randomInt(1e6)}`,
    status: "open",
    currency: "EUR",
    customer: {
      id: `cus_${randomBytes(10).toString("hex")}`,
      name: `${any(NAMES)} ${randomInt(1_000)}`,
      vat: `EE${randomInt(1e9)}`,
    },
    lines,
    total: price(),
    created: new Date(Date.now() - randomInt(1e9)).toISOString(),
    note: "",
  };
  const length = (): number => Buffer.byteLength(JSON.stringify(invoice));
  for (;;) {
    lines.push({
      id: randomBytes(6).toString("hex"),
      description: any(GOODS),
      quantity: randomInt(1, 20),
      price: price(),
      net: price(),
      vat_rate: "22",
    });
    if (length() <= bytes) continue;
    lines.pop();
    break;
  }
  invoice.note = randomBytes(bytes)
    .toString("hex")
    .slice(0, bytes - length());
  const head = [
    ["Content-Type", "application/json; charset=utf-8"],
    ["Content-Length", String(bytes)],
    ["Location", `/invoices/${id}`],
    ["Cache-Control", "no-store"],
    ["ETag", `"${randomBytes(8).toString("hex")}"`],
    ["Vary", "Accept-Encoding"],
    ["X-Request-Id", randomUUID()],
  ].flat(); // and Date, by Node
  return { body: Buffer.from(JSON.stringify(invoice)), head };
}

const any = (of: readonly string[]): string => of[randomInt(of.length)]!;
const price = (): string => `${randomInt(1_000)}.${randomInt(10, 100)}`;
