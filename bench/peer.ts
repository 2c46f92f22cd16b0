import { Agent } from "node:http";
import type { AddressInfo } from "node:net";
import { Idempotency } from "@node-idempotency/core";
import { RedisStorageAdapter } from "@node-idempotency/storage-adapter-redis";
import express from "express";
import { createProxyMiddleware, fixRequestBody, responseInterceptor } from "http-proxy-middleware";

/** What a Node team would write with the library of that name: it keeps the answer in Redis, in front of the same proxy. */
type Kept = { status: number; headers: Record<string, string>; body: string };

const storage = new RedisStorageAdapter({ url: String(process.env["REDIS"]) });
await storage.connect();
const idempotency = new Idempotency(storage, { idempotencyKey: "x-idempotency-key" });
const asked = (request: express.Request) => ({
  headers: request.headers,
  path: request.path,
  method: request.method,
  body: request.body as Record<string, unknown>,
});

const app = express();
app.use(express.json({ limit: "10mb" }));
app.use(async (request, response, next) => {
  const kept = await idempotency.onRequest<Kept, unknown>(asked(request));
  if (kept?.body === undefined) return next();
  response.status(kept.body.status).set(kept.body.headers).send(kept.body.body);
});
app.use(
  createProxyMiddleware<express.Request>({
    target: String(process.env["UPSTREAM"]),
    agent: new Agent({ keepAlive: true }),
    selfHandleResponse: true,
    on: {
      proxyReq: fixRequestBody,
      proxyRes: responseInterceptor(async (buffer, answer, request) => {
        const { "content-type": type = "", location = "" } = answer.headers;
        const body = {
          status: answer.statusCode!,
          headers: { "content-type": type, location },
          body: buffer.toString(),
        };
        await idempotency.onResponse<Kept, unknown>(asked(request), { body });
        return buffer;
      }),
    },
  }),
);
const server = app.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
