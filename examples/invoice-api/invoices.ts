import { Router, type Request } from "express";
import { bytes, empty, json, problem, type Answer, type FieldError } from "./answer.ts";
import { operation } from "./faults.ts";
import { checkChange, checkInvoice } from "./invoice.ts";
import type { InvoiceTable, StoredInvoice } from "./invoice-table.ts";
import { pdf } from "./pdf.ts";
import { reading } from "./reading.ts";

export function invoiceRoutes(table: InvoiceTable): Router {
  const routes = Router();
  routes.post("/", operation(create(table)));
  routes.patch("/:id", operation(change(table)));
  routes.post("/:id/pdf", operation(render(table)));
  routes.get("/", reading(list(table)));
  routes.get("/:id", reading(find(table)));
  routes.delete(
    "/",
    reading(() => {
      table.empty();
      return empty(204);
    }),
  );
  return routes;
}

function create(table: InvoiceTable) {
  return (request: Request): Answer => {
    const checked = checkInvoice(request.body);
    if (!checked.ok) return invalid(checked.errors);
    const invoice = table.create(checked.value);
    return json(201, invoice, [["Location", `/invoices/${invoice.id}`]]);
  };
}

function change(table: InvoiceTable) {
  return (request: Request): Answer => {
    const checked = checkChange(request.body);
    if (!checked.ok) return invalid(checked.errors);
    const invoice = table.change(idOf(request), checked.value);
    return invoice ? json(200, invoice) : noSuchInvoice(request);
  };
}

function render(table: InvoiceTable) {
  return (request: Request): Answer => {
    const invoice = table.countRendering(idOf(request));
    if (!invoice) return noSuchInvoice(request);
    const name: [string, string] = ["Content-Disposition", `attachment; filename="invoice-${invoice.id}.pdf"`];
    return bytes(200, "application/pdf", pdf(page(invoice)), [name]);
  };
}

function list(table: InvoiceTable) {
  return (request: Request): Answer => {
    const { number } = request.query;
    const invoices = table.list(typeof number === "string" ? number : undefined);
    return json(200, { count: invoices.length, invoices });
  };
}

function find(table: InvoiceTable) {
  return (request: Request): Answer => {
    const invoice = table.find(idOf(request));
    return invoice ? json(200, invoice) : noSuchInvoice(request);
  };
}

function page(invoice: StoredInvoice): string[] {
  return [
    `Invoice ${invoice.number} (rendering ${invoice.renderings})`,
    invoice.customer,
    ...invoice.lines.map(({ description, quantity, unitPrice }) => `${quantity} x ${description} at ${unitPrice}`),
    `Total ${invoice.total} ${invoice.currency}`,
  ];
}

function invalid(errors: readonly FieldError[]): Answer {
  return problem(422, "Invalid invoice", "Nothing was created or changed. Correct the listed fields.", errors);
}

function noSuchInvoice(request: Request): Answer {
  return problem(404, "No such invoice", `There is no invoice ${idOf(request)}.`);
}

function idOf(request: Request): string {
  return String(request.params["id"]);
}
