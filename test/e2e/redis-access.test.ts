import { expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CERT, KEY } from "../support/certificate.ts";
import { runToItsEnd, startGatewayProcess } from "../support/gateway.ts";
import { untilReady } from "../support/installation.ts";
import { startRedis } from "../support/redis-server.ts";
import { startSampleApi } from "../support/sample-api.ts";
import { post } from "./keyed-post.ts";

test("a gateway uses a Redis with TLS, certificates and a password, all from files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "oncegate-access-"));
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const api = await startSampleApi();
  const redis = await startRedis({ tls: "mutual", password: "s3cret/@:" });
  const gateway = await startGatewayProcess({
    ONCEGATE_UPSTREAM_URL: api.url,
    ONCEGATE_STORE: `rediss://127.0.0.1:${redis.port}`,
    ONCEGATE_REDIS_PASSWORD_FILE: file("password", "s3cret/@:\n"),
    ONCEGATE_REDIS_CA_FILE: file("ca.pem", CERT),
    ONCEGATE_REDIS_CERT_FILE: file("cert.pem", CERT),
    ONCEGATE_REDIS_KEY_FILE: file("key.pem", KEY),
  });
  try {
    await untilReady(gateway);
    expect((await post(gateway.url, "over TLS")).status).toBe(201);
    expect(await post(gateway.url, "over TLS")).toMatchObject({ status: 201, isReplay: true });
    expect(gateway.text()).not.toContain("s3cret");
  } finally {
    await gateway.kill();
    await redis.close();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a file that cannot be read stops the start, by the setting's name", async () => {
  const ending = await runToItsEnd({
    ONCEGATE_UPSTREAM_URL: "http://127.0.0.1:1",
    ONCEGATE_STORE: "rediss://127.0.0.1:1",
    ONCEGATE_REDIS_CA_FILE: "/no/such.pem",
  });
  expect(ending).toMatchObject({ code: 1, stderr: expect.stringContaining("ONCEGATE_REDIS_CA_FILE cannot be read") });
});
