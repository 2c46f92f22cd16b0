import type { Findings, Invoice, Listing, Remembered } from "../domain/reconciliation.ts";
import { REASONS } from "../domain/refusal.ts";
import type { Rule } from "../domain/rule.ts";
import { inColumns } from "../in-columns.ts";

type Compared = {
  rule: Rule;
  listing: Listing;
  from: Date;
  invoices: readonly Invoice[];
  kept: readonly Remembered[];
  findings: Findings;
  /** Where the API is. */
  url: URL;
};

export type Report = ReturnType<typeof reportOf>;

/** What was found, as it is printed with --json. */
export function reportOf({ rule, listing, from, invoices, kept, findings, url }: Compared) {
  const voiding = (id: string): string | undefined =>
    listing.voiding &&
    `${listing.voiding.method} ${url.href.replace(/\/$/, "")}${listing.voiding.target.replaceAll("{id}", encodeURIComponent(id))}`;
  return {
    rule: rule.name,
    from: from.toISOString(),
    invoices: invoices.length,
    records: kept.length,
    duplicates: findings.duplicates.map(({ others, ...of }) => ({
      ...of,
      others: others.map((id) => ({ id, void: voiding(id) })),
    })),
    withoutInvoice: findings.withoutInvoice.map(({ name, startedAt, status, invoice }) => ({
      name,
      startedAt: isoTime(startedAt),
      status,
      ...invoice,
    })),
    notCompared: findings.notCompared,
    unknown: findings.unknown.map(({ name, startedAt, reason }) => ({ name, startedAt: isoTime(startedAt), reason })),
  };
}

/** The same for people. */
export function tableOf(report: Report): string {
  const { rule, from, invoices, records, notCompared, duplicates, withoutInvoice, unknown } = report;
  return [
    `rule ${rule}, since ${from}: ${invoices} invoices, ${records} records`,
    ...(notCompared > 0 ? [`${notCompared} of the records are not compared: their answers name no invoice`] : []),
    ...section(
      "duplicates",
      ["organisation", "number", "keep", "other", "would void it"],
      duplicates.flatMap(({ organisation, number, keep, others }) =>
        others.map((other) => [organisation, number, keep, other.id, other.void ?? ""]),
      ),
    ),
    ...section(
      "records without an invoice",
      ["record", "since", "status", "organisation", "number", "id"],
      withoutInvoice.map(({ name, startedAt, status, organisation, number, id }) => [
        name,
        startedAt,
        String(status),
        organisation,
        number,
        id,
      ]),
    ),
    ...section(
      "unknown: look in the API, then oncegate keys resolve",
      ["record", "since", "why"],
      unknown.map(({ name, startedAt, reason }) => [name, startedAt, REASONS[reason]]),
    ),
    ...(duplicates.length + withoutInvoice.length + unknown.length === 0 ? ["nothing to look at"] : []),
  ].join("\n");
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  return ["", `${title} (${rows.length})`, ...inColumns([head, ...rows]).map((line) => `  ${line}`)];
}

const isoTime = (ms: number): string => new Date(ms).toISOString();
