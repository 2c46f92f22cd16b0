import { afterEach, describe, expect, test } from "@jest/globals";
import { forwardedHeaders, trustedProxies } from "../../src/inbound/forwarding.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { startRawUpstream } from "../upstream/raw-upstream.ts";
import type { RawUpstream } from "../upstream/raw-upstream.ts";

const PEER = { address: "192.0.2.7", protocol: "http", httpVersion: "1.1" } as const;
const trusting = (...networks: string[]) => ({ pseudonym: "oncegate-1", isTrusted: trustedProxies(networks) });

describe("forwarded headers", () => {
  test("are the end-to-end ones as sent, with forwarding fields of the gateway's own", () => {
    const raw = [
      "Host",
      "api",
      "X-A",
      "1",
      "x-a",
      "2",
      "Connection",
      "X-Hop",
      "X-Hop",
      "3",
      "X-Forwarded-For",
      "evil",
      "Forwarded",
      "for=evil",
      "Via",
      "1.0 cdn",
    ];
    expect(forwardedHeaders(raw, PEER, trusting())).toEqual([
      "X-A",
      "1",
      "x-a",
      "2",
      "X-Forwarded-For",
      "192.0.2.7",
      "X-Forwarded-Proto",
      "http",
      "X-Forwarded-Host",
      "api",
      "Via",
      "1.0 cdn, 1.1 oncegate-1",
    ]);
  });

  test("believe what a trusted proxy says", () => {
    const raw = [
      "Host",
      "inner",
      "X-Forwarded-For",
      "198.51.100.1",
      "X-Forwarded-Proto",
      "https",
      "X-Forwarded-Host",
      "api",
    ];
    expect(forwardedHeaders(raw, PEER, trusting("192.0.2.0/24"))).toEqual([
      "X-Forwarded-For",
      "198.51.100.1, 192.0.2.7",
      "X-Forwarded-Proto",
      "https",
      "X-Forwarded-Host",
      "api",
      "Via",
      "1.1 oncegate-1",
    ]);
  });

  test.each([
    "Forwarded: for=1",
    "X-Real-IP: 1",
    "x-forwarded-port: 1",
    "X-Forwarded-Prefix: /a",
    "X-Forwarded-Ssl: on",
  ])("pass %s on from a trusted proxy only", (line) => {
    const field = line.split(": ");
    expect(forwardedHeaders(field, PEER, trusting())).not.toContain(field[0]);
    expect(forwardedHeaders(field, PEER, trusting("192.0.2.0/24")).slice(0, 2)).toEqual(field);
  });

  test("say an IPv4 address as such, also where the gateway listens on IPv6, too", () => {
    const headers = forwardedHeaders([], { ...PEER, address: "::ffff:192.0.2.7" }, trusting());
    expect(headers.slice(0, 2)).toEqual(["X-Forwarded-For", "192.0.2.7"]);
  });

  test.each([
    ["10.1.2.3", true],
    ["::ffff:10.1.2.3", true],
    ["11.0.0.1", false],
    ["fd00::1", true],
    ["fe80::1", false],
    ["::1", true],
    ["", false],
  ])("%s is trusted by 10.0.0.0/8, fd00::/16 and ::1: %s", (address, trusted) => {
    expect(trustedProxies(["10.0.0.0/8", "fd00::/16", "::1"])(address)).toBe(trusted);
  });
});

describe("the Host that the upstream sees", () => {
  let upstream: RawUpstream;
  let gateway: OpenGateway;
  afterEach(async () => {
    await gateway.close();
    await upstream.close();
  });

  test.each([
    ["false", "its own"],
    ["true", "the client's"],
  ])("with ONCEGATE_PRESERVE_HOST=%s is %s, once, for operations and pass-through", async (preserve, _whose) => {
    upstream = await startRawUpstream((socket) => socket.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
    gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href, ONCEGATE_PRESERVE_HOST: preserve });
    for (const headers of [{ "idempotency-key": "k" }, {}]) await fetch(gateway.url, { method: "POST", headers });
    const hosts = upstream.requests.map((request) => request.match(/^host: .*/gim));
    const expected = `Host: ${new URL(preserve === "true" ? gateway.url : upstream.url).host}`.toLowerCase();
    expect(hosts.map((lines) => lines?.map((line) => line.toLowerCase()))).toEqual([[expected], [expected]]);
  });
});
