import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import type { Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CERT, KEY } from "../support/certificate.ts";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { page, post } from "./keyed-post.ts";

let folder: string;
let upstream: Http2SecureServer;
/** What reached the upstream, and by which version of HTTP. */
const seen: string[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-tls-"));
  writeFileSync(join(folder, "authority.pem"), CERT);
  upstream = createSecureServer({ key: KEY, cert: CERT, allowHTTP1: true }, (req, res) => {
    seen.push(`${req.method} ${req.url} ${req.httpVersion}`);
    res.writeHead(201, { "Content-Length": 2 }).end("ok");
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
});
afterAll(async () => {
  upstream.close();
  await once(upstream, "close");
  rmSync(folder, { recursive: true, force: true });
});

const start = (name: string, env: Record<string, string> = {}): Promise<GatewayProcess> =>
  startGatewayProcess({
    ONCEGATE_UPSTREAM_URL: `https://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    ONCEGATE_STORE: `sqlite:${join(folder, `${name}.db`)}`,
    ...env,
  });

describe("an upstream with a certificate of an authority of its own", () => {
  test("is reached where ONCEGATE_UPSTREAM_CA_FILE names it, by HTTP/1.1 although it offers HTTP/2", async () => {
    const gateway = await start("trusting", { ONCEGATE_UPSTREAM_CA_FILE: join(folder, "authority.pem") });
    try {
      expect(await post(gateway.url, "tls-1")).toMatchObject({ status: 201, text: "ok", isReplay: false });
      expect(await page(gateway.url, "/invoices/1")).toEqual({ status: 201, text: "ok" });
      expect(seen).toEqual(["POST /invoices 1.1", "GET /invoices/1 1.1"]);
    } finally {
      await gateway.kill();
    }
  });

  test("is not trusted otherwise: nothing is sent, and the key is free", async () => {
    const before = seen.length;
    const gateway = await start("distrusting");
    try {
      for (let i = 0; i < 2; i++)
        expect(await post(gateway.url, "tls-2")).toMatchObject({ status: 503, code: "upstream-unreachable" });
      const passed = await page(gateway.url, "/invoices/1");
      expect([passed.status, passed.text]).toEqual([503, expect.stringContaining("upstream-unreachable")]);
      expect(seen).toHaveLength(before);
    } finally {
      await gateway.kill();
    }
  });
});
