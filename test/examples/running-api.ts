import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInvoiceApi } from "../../examples/invoice-api/app.ts";
import { openDatabase } from "../../examples/invoice-api/database.ts";

export type RunningApi = { readonly url: string; readonly port: number; stop(): Promise<void> };

/** The sample API in this process, on a free port and a file of its own. */
export async function startApi(): Promise<RunningApi> {
  const folder = mkdtempSync(join(tmpdir(), "invoice-api-"));
  const database = openDatabase(join(folder, "invoices.db"));
  const server = createServer(createInvoiceApi({ database })).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the server listens on no TCP port");
  const { port } = address;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const invoice = {
  customer: "Acme Ltd",
  number: "2026-001",
  currency: "EUR",
  lines: [
    { description: "Consulting", quantity: 3, unitPrice: "0.10" },
    { description: "Travel", quantity: 1, unitPrice: "99999999999.2" },
  ],
};
