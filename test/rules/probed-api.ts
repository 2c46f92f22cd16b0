import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { recordingUpstream } from "../e2e/recording-upstream.ts";

type Invoice = { id: number; invoice_number: string; customer: string; created_at: string };

/** How a POST ends. `held`: it is made and answered when the test says so. */
export type Fate = "answers" | "resets after creating" | "resets before creating" | "held";

/** An API without idempotency: a POST twice makes two invoices, and nothing in it is unique. */
export type ProbedApi = {
  url: string;
  invoices: Invoice[];
  /** Every GET that it was asked. */
  asked: IncomingMessage[];
  fate: Fate;
  /** Of the next questions; without it the list of invoices with that number. */
  listing: ((res: ServerResponse, matching: Invoice[], req: IncomingMessage) => void) | undefined;
  /** Makes and answers what was held. */
  letGo(): void;
  held: number;
  close(): Promise<void>;
};

export async function probedApi(): Promise<ProbedApi> {
  const upstream = await recordingUpstream();
  const holding: (() => void)[] = [];
  const api: ProbedApi = {
    url: upstream.url,
    invoices: [],
    asked: [],
    fate: "answers",
    listing: undefined,
    letGo: () => holding.splice(0).forEach((go) => go()),
    get held() {
      return holding.length;
    },
    close: () => upstream.close(),
  };
  const make = (body: string): Invoice => {
    const { invoice_number, customer } = JSON.parse(body) as Invoice;
    const invoice = { id: api.invoices.length + 1, invoice_number, customer, created_at: new Date().toISOString() };
    api.invoices.push(invoice);
    return invoice;
  };
  upstream.answer = async (req, res) => {
    if (req.method === "GET") {
      api.asked.push(req);
      const number = new URL(req.url!, "http://api").searchParams.get("q");
      const matching = api.invoices.filter(({ invoice_number }) => invoice_number === number);
      return (api.listing ?? listed)(res, matching, req);
    }
    const body = await text(req);
    switch (api.fate) {
      case "resets before creating":
        return void res.socket?.resetAndDestroy();
      case "resets after creating":
        make(body);
        return void res.socket?.resetAndDestroy();
      case "held":
        return void holding.push(() => json(res, 201, make(body)));
      case "answers":
        return json(res, 201, make(body));
    }
  };
  return api;
}

export function json(res: ServerResponse, status: number, document: unknown): void {
  res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document));
}

const listed = (res: ServerResponse, matching: Invoice[]): void => json(res, 200, { data: matching });
