import type { Name, UnknownReason } from "./record.ts";
import { pointed, scalarText } from "./pointer.ts";

/** How an API lists what it has, and what of an invoice matters. Pointers are into its JSON (RFC 6901). */
export type Listing = {
  /** With `{from}` (date and time), `{date}` and `{page}` in it. */
  target: string;
  /** The list in an answer. */
  invoices: string;
  /** What stands for `{page}` in the next request; the last page has nothing there. undefined: pages are counted up to an empty one. */
  next: string | undefined;
  id: string;
  number: string;
  /** undefined: there is one organisation. */
  organisation: string | undefined;
  /** The request that would void one, with `{id}` in it. */
  voiding: { method: string; target: string } | undefined;
};

export type Invoice = { organisation: string; number: string; id: string };

/** An operation that the gateway remembers. `answer`: the JSON of what the API answered, where it was kept. */
export type Remembered = { name: Name; startedAt: number } & (
  | { state: "completed"; status: number; answer: unknown }
  | { state: "unknown"; reason: UnknownReason }
);

export type Findings = {
  /** Of one organisation and number, more than one. `keep`: the one that the gateway answered, else the first of the list. */
  duplicates: { organisation: string; number: string; keep: string; others: string[] }[];
  /** Answered as made, and not in the list. */
  withoutInvoice: { name: Name; startedAt: number; status: number; invoice: Invoice }[];
  /** How many were answered as made with nothing that names an invoice: other routes' operations, and answers that were not kept. */
  notCompared: number;
  /** Nobody knows whether there is an invoice. */
  unknown: { name: Name; startedAt: number; reason: UnknownReason }[];
};

/** undefined where it has no id or number: it is none that could be compared. */
export function invoiceIn(
  document: unknown,
  { id: idAt, number: numberAt, organisation: organisationAt }: Listing,
): Invoice | undefined {
  const [id, number] = [idAt, numberAt].map((pointer) => scalarText(pointed(document, pointer)));
  if (id === undefined || number === undefined) return undefined;
  const organisation = organisationAt === undefined ? "" : (scalarText(pointed(document, organisationAt)) ?? "");
  return { organisation, number, id };
}

/** Compares what the API lists with what the gateway remembers of the same time. */
export function reconcile(invoices: readonly Invoice[], remembered: readonly Remembered[], listing: Listing): Findings {
  const ids = new Set(invoices.map(({ id }) => id));
  const made = remembered.flatMap((one) =>
    one.state === "completed" && one.status >= 200 && one.status < 300 ? [one] : [],
  );
  const answered = new Map(made.map(({ name, answer }) => [name, invoiceIn(answer, listing)]));
  const answeredIds = new Set(answered.values().map((invoice) => invoice?.id));
  const groups = Map.groupBy(invoices, ({ organisation, number }) => JSON.stringify([organisation, number]));
  return {
    duplicates: [...groups.values()].flatMap((group) => {
      const all = [...new Set(group.map(({ id }) => id))]; // a page that moved while it was read shows one twice
      const [first, second] = all;
      if (first === undefined || second === undefined) return [];
      const { organisation, number } = group[0]!;
      const keep = all.find((id) => answeredIds.has(id)) ?? first;
      return [{ organisation, number, keep, others: all.filter((id) => id !== keep) }];
    }),
    withoutInvoice: made.flatMap(({ name, startedAt, status }) => {
      const invoice = answered.get(name);
      return invoice === undefined || ids.has(invoice.id) ? [] : [{ name, startedAt, status, invoice }];
    }),
    notCompared: made.filter(({ name }) => answered.get(name) === undefined).length,
    unknown: remembered
      .filter((one) => one.state === "unknown")
      .map(({ name, startedAt, reason }) => ({ name, startedAt, reason })),
  };
}
