import { z } from "zod";
import type { FieldError } from "./answer.ts";
import { fromCents, toCents } from "./money.ts";

const line = z.strictObject({
  description: z.string().min(1).max(500),
  quantity: z.int().min(1).max(1_000_000),
  unitPrice: z.string().regex(/^\d{1,12}(\.\d{1,2})?$/, 'must be a decimal string such as "12.50"'),
});

const invoice = z.strictObject({
  customer: z.string().min(1).max(200),
  number: z.string().min(1).max(64),
  currency: z.string().regex(/^[A-Z]{3}$/, "must be three capital letters, such as EUR"),
  lines: z.array(line).min(1).max(1000),
});

const change = invoice
  .partial()
  .refine((fields) => Object.keys(fields).length > 0, "must name at least one field to change");

export type Invoice = z.infer<typeof invoice>;
export type InvoiceChange = z.infer<typeof change>;

type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

export function checkInvoice(body: unknown): Checked<Invoice> {
  return checked(invoice.safeParse(body));
}

export function checkChange(body: unknown): Checked<InvoiceChange> {
  return checked(change.safeParse(body));
}

/** The lines as they were stored; throws if something else wrote the file. */
export function parseLines(text: string): Invoice["lines"] {
  return invoice.shape.lines.parse(JSON.parse(text));
}

export function total(lines: Invoice["lines"]): string {
  return fromCents(lines.reduce((sum, { quantity, unitPrice }) => sum + BigInt(quantity) * toCents(unitPrice), 0n));
}

function checked<T>(result: z.ZodSafeParseResult<T>): Checked<T> {
  if (result.success) return { ok: true, value: result.data };
  const errors = result.error.issues.map(({ path, message }) => ({ field: path.join("."), message }));
  return { ok: false, errors };
}
