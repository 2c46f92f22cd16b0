import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:http";
import { createInvoiceApi } from "../../examples/invoice-api/app.ts";
import { openDatabase } from "../../examples/invoice-api/database.ts";

export type SampleApi = {
  url: string;
  port: number;
  /** The oracle: how many there really are. */
  count(path: "/invoices" | "/samples" | "/v1/documents"): Promise<number>;
  close(): Promise<void>;
};

/** A body that the sample API accepts on POST /invoices. */
export const INVOICE = {
  customer: "Acme Ltd",
  number: "2026-001",
  currency: "EUR",
  lines: [
    { description: "Consulting", quantity: 3, unitPrice: "0.10" },
    { description: "Travel", quantity: 1, unitPrice: "99999999999.2" },
  ],
};

/** The sample API in this process, on a free port, with a fresh database. */
export async function startSampleApi(): Promise<SampleApi> {
  const folder = mkdtempSync(join(tmpdir(), "oncegate-sample-"));
  const database = openDatabase(join(folder, "invoices.db"));
  const server = createServer(createInvoiceApi({ database })).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    async count(path) {
      const answer = await fetch(url + path, { headers: { authorization: "Bearer oracle" } });
      return ((await answer.json()) as { count: number }).count;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
