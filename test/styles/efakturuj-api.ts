import type { ServerResponse } from "node:http";
import { answerJson } from "./style.ts";
import type { Api } from "./style.ts";

type Invoice = { id: string; organisation_id: string; invoice_number: string; issue_date: string; created_at: string };

/** What it does once it has read an invoice. `make`: one more row; `created`: the answer to a row. */
export type Behaviour = (work: {
  make: () => Invoice;
  created: (invoice: Invoice) => void;
  res: ServerResponse;
}) => void;

export const WELL: Behaviour = ({ make, created }) => created(make());

const PAGE = 2;

/**
 * An API with no idempotency at all: every POST /invoices is a row, invoice_number is looked up and never compared.
 * GET /invoices?from=...&q=...&page=N lists rows, those of `q` where it is given, two on a page.
 */
export function efakturuj(behaviour: () => Behaviour): Api {
  return ({ method, path, body, headers }, res, made) => {
    const url = new URL(path, "http://api");
    if (url.pathname !== "/invoices") return answerJson(res, 404, { error: { code: "not_found" } });
    if (headers.authorization === undefined) return answerJson(res, 401, { error: { code: "unauthorised" } });
    const rows = made as Invoice[];
    if (method === "GET") {
      const [from, q, page] = ["from", "q", "page"].map((name) => url.searchParams.get(name));
      const found = rows.filter(
        ({ invoice_number, issue_date }) => issue_date >= (from ?? "") && invoice_number.includes(q ?? ""),
      );
      const first = (Number(page ?? 1) - 1) * PAGE;
      const more = first + PAGE < found.length;
      return answerJson(res, 200, {
        data: found.slice(first, first + PAGE),
        next_page: more ? Number(page ?? 1) + 1 : null,
      });
    }
    const make = (): Invoice => {
      const invoice = {
        id: `inv_${rows.length + 1}`,
        organisation_id: "org_1",
        created_at: new Date().toISOString(),
        ...(JSON.parse(body) as object),
      } as Invoice;
      rows.push(invoice);
      return invoice;
    };
    behaviour()({ make, created: (invoice) => answerJson(res, 201, invoice), res });
  };
}
