import { Agent } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { createProxyMiddleware } from "http-proxy-middleware";

/** What everything is compared with: http-proxy-middleware as its documentation has it, with kept connections, and no idempotency. */
const app = express();
app.use(createProxyMiddleware({ target: String(process.env["UPSTREAM"]), agent: new Agent({ keepAlive: true }) }));
const server = app.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
