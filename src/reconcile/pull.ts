import { setTimeout as sleep } from "node:timers/promises";
import { answerJson } from "../answer-json.ts";
import { Budget, Share } from "../budget.ts";
import { pointed, scalarText } from "../domain/pointer.ts";
import { invoiceIn } from "../domain/reconciliation.ts";
import type { Invoice, Listing } from "../domain/reconciliation.ts";
import type { Upstream } from "../upstream/execute.ts";
import type { Retries } from "../upstream/retries.ts";

/** A list that never ends is none of a day's invoices. */
const MOST_PAGES = 10_000;
/** A nightly run may wait for an API that asks for it. */
const PATIENT: Retries = { tries: 8, withinMs: 300_000, pauseMs: 500, growth: 2, didNotBegin: () => true };
const BETWEEN_PAGES_MS = 20;

/** All invoices that the API lists from then on, page by page. Throws with words for an operator where it does not. */
export async function pull(listing: Listing, from: Date, headers: string[], upstream: Upstream): Promise<Invoice[]> {
  const invoices: Invoice[] = [];
  const seen = new Set<string>();
  let page = "1";
  for (let count = 1; ; count++) {
    if (count > MOST_PAGES) throw new Error(`the list has more than ${MOST_PAGES} pages`);
    if (seen.has(page)) throw new Error(`the list comes back to its page ${page}`);
    seen.add(page);
    const document = await ask(targetOf(listing.target, from, page), headers, upstream);
    const rows: unknown = pointed(document, listing.invoices);
    if (!Array.isArray(rows)) throw new Error(`the list has no array at ${listing.invoices}`);
    for (const row of rows) {
      const invoice = invoiceIn(row, listing);
      if (invoice === undefined)
        throw new Error(`an invoice of the list has no text or number at ${listing.id} or ${listing.number}`);
      invoices.push(invoice);
    }
    const next =
      listing.next === undefined ? nextCounted(listing, count, rows) : scalarText(pointed(document, listing.next));
    if (next === undefined || next === "") return invoices;
    page = next;
    await sleep(BETWEEN_PAGES_MS);
  }
}

function nextCounted({ target }: Listing, count: number, rows: readonly unknown[]): string | undefined {
  return rows.length > 0 && target.includes("{page}") ? String(count + 1) : undefined;
}

function targetOf(target: string, from: Date, page: string): string {
  const values: Record<string, string> = { from: from.toISOString(), date: from.toISOString().slice(0, 10), page };
  return target.replaceAll(/\{(\w+)\}/g, (place, name: string) => encodeURIComponent(values[name] ?? place));
}

async function ask(target: string, headers: string[], upstream: Upstream): Promise<unknown> {
  const share = new Share(new Budget(Number.MAX_SAFE_INTEGER));
  const request = { method: "GET", target, headers, body: Buffer.alloc(0) };
  const execution = await upstream.execute(request, { maySend: () => true, share }, PATIENT);
  const where = `GET ${target}`;
  switch (execution.kind) {
    case "answered": {
      const { status } = execution.answer;
      if (status !== 200) throw new Error(`the API answered ${status} to ${where}`);
      const document = answerJson(execution.answer);
      if (document === undefined) throw new Error(`the API answered no JSON, or more than 1 MB of it, to ${where}`);
      return document;
    }
    case "overflowed":
      execution.body.destroy();
      throw new Error(`the API's answer to ${where} is too large: ask for smaller pages`);
    case "never-sent":
    case "lost":
      throw new Error(`the API did not answer ${where}: ${execution.why}`);
  }
}
