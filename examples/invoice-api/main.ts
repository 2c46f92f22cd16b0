import { createServer } from "node:http";
import { createInvoiceApi } from "./app.ts";
import { openDatabase } from "./database.ts";

const host = process.env["HOST"] ?? "127.0.0.1";
const port = Number(process.env["PORT"] ?? 3001);
const database = openDatabase(process.env["INVOICE_DB"] ?? "./data/invoices.db");
const server = createServer(createInvoiceApi({ database }));

server.once("error", (error) => {
  console.error(`invoice-api cannot listen on ${host}:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(port, host, () => {
  const address = server.address();
  const bound = typeof address === "object" && address ? address.port : port;
  console.log(`invoice-api listening on http://${host.includes(":") ? `[${host}]` : host}:${bound}`);
});

// Hanging answers and delays are cut short: whoever stops the sample is done with them.
function stop(): void {
  server.close();
  server.closeAllConnections();
  database.close();
  process.exit(0);
}
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
