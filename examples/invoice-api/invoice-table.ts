import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { parseLines, total, type Invoice, type InvoiceChange } from "./invoice.ts";

/** `revision` counts the changes and `renderings` the PDFs: the oracles for what happened to one invoice. */
export type StoredInvoice = Invoice & {
  readonly id: number;
  readonly total: string;
  readonly revision: number;
  readonly renderings: number;
  readonly createdAt: string;
  readonly updatedAt: string;
};

/** The invoices as they are. Nothing here looks for duplicates: creating twice makes two. */
export class InvoiceTable {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  create(invoice: Invoice): StoredInvoice {
    const now = new Date().toISOString();
    const { customer, number, currency, lines } = invoice;
    const row = this.#database
      .prepare(
        `INSERT INTO invoices (customer, number, currency, lines, total, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *`,
      )
      .get(customer, number, currency, JSON.stringify(lines), total(lines), now, now);
    if (!row) throw new Error("INSERT returned no row");
    return fromRow(row);
  }

  change(id: string, change: InvoiceChange): StoredInvoice | undefined {
    const before = this.find(id);
    if (!before) return undefined;
    const lines = change.lines ?? before.lines;
    const row = this.#database
      .prepare(
        `UPDATE invoices SET customer = ?, number = ?, currency = ?, lines = ?, total = ?,
         revision = revision + 1, updated_at = ? WHERE id = ? RETURNING *`,
      )
      .get(
        change.customer ?? before.customer,
        change.number ?? before.number,
        change.currency ?? before.currency,
        JSON.stringify(lines),
        total(lines),
        new Date().toISOString(),
        id,
      );
    return row && fromRow(row);
  }

  countRendering(id: string): StoredInvoice | undefined {
    const row = this.#database
      .prepare("UPDATE invoices SET renderings = renderings + 1 WHERE id = ? RETURNING *")
      .get(id);
    return row && fromRow(row);
  }

  find(id: string): StoredInvoice | undefined {
    const row = this.#database.prepare("SELECT * FROM invoices WHERE id = ?").get(id);
    return row && fromRow(row);
  }

  list(number: string | undefined): StoredInvoice[] {
    const rows =
      number === undefined
        ? this.#database.prepare("SELECT * FROM invoices ORDER BY id").all()
        : this.#database.prepare("SELECT * FROM invoices WHERE number = ? ORDER BY id").all(number);
    return rows.map(fromRow);
  }

  empty(): void {
    this.#database.exec("DELETE FROM invoices");
  }
}

function fromRow(row: Record<string, SQLOutputValue>): StoredInvoice {
  return {
    id: Number(row["id"]),
    customer: String(row["customer"]),
    number: String(row["number"]),
    currency: String(row["currency"]),
    lines: parseLines(String(row["lines"])),
    total: String(row["total"]),
    revision: Number(row["revision"]),
    renderings: Number(row["renderings"]),
    createdAt: String(row["created_at"]),
    updatedAt: String(row["updated_at"]),
  };
}
