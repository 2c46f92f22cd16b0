import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import type { Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { CERT, KEY } from "../support/certificate.ts";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { inShort, tellingOf } from "../upstream/told.ts";
import { page, post } from "./keyed-post.ts";
import { openRaw } from "./raw-bytes.ts";

let folder: string;
let upstream: Http2SecureServer;
/** What reached the upstream, and by which version of HTTP. */
const seen: string[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-tls-"));
  writeFileSync(join(folder, "authority.pem"), CERT);
  upstream = createSecureServer({ key: KEY, cert: CERT, allowHTTP1: true }, (req, res) => {
    seen.push(`${req.method} ${req.url} ${req.httpVersion}`);
    if (req.url === "/echo") return void req.pipe(res);
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

  test("gets and gives large bodies byte for byte, in both directions at once", async () => {
    const gateway = await start("large", { ONCEGATE_UPSTREAM_CA_FILE: join(folder, "authority.pem") });
    try {
      const sent = randomBytes(16 * 1_048_576);
      const pieces = new Blob([sent]).stream();
      const framings = [{ body: sent }, { body: pieces, duplex: "half" as const }];
      for (const framing of framings) {
        const answer = await fetch(`${gateway.url}/echo`, { method: "POST", ...framing });
        expect(Buffer.from(await answer.arrayBuffer()).equals(sent)).toBe(true);
      }
    } finally {
      await gateway.kill();
    }
  });

  test("is asked for its own certificate where the client's Host is preserved", async () => {
    const gateway = await start("preserving", {
      ONCEGATE_UPSTREAM_CA_FILE: join(folder, "authority.pem"),
      ONCEGATE_PRESERVE_HOST: "true",
    });
    try {
      const before = seen.length;
      const rest =
        "Host: billing.example.com\r\nIdempotency-Key: tls-3\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      for (const line of ["GET /invoices/1", "POST /invoices"])
        expect(inShort(await tellingOf(gateway.url, `${line} HTTP/1.1\r\n${rest}`))).toBe("201 ok");
      expect(seen.slice(before)).toEqual(["GET /invoices/1 1.1", "POST /invoices 1.1"]);
    } finally {
      await gateway.kill();
    }
  });

  test("takes a WebSocket, and ends it for the client when it is gone", async () => {
    const sockets: Duplex[] = [];
    upstream.once("upgrade", (_req, socket: Duplex) => {
      sockets.push(socket);
      socket.on("error", () => {}).on("data", (bytes) => socket.write(bytes));
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    });
    const gateway = await start("upgrading", { ONCEGATE_UPSTREAM_CA_FILE: join(folder, "authority.pem") });
    try {
      const client = await openRaw(gateway.url);
      client.send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      await until("the upgrade", () => client.received().includes("\r\n\r\n"));
      client.send("hello");
      await until("an echo", () => client.received().endsWith("\r\n\r\nhello"));
      sockets[0]!.destroy();
      expect(["FIN", "RST"]).toContain(await client.ended);
      expect(gateway.lines.filter(({ level }) => level === "error" || level === "fatal")).toEqual([]);
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
