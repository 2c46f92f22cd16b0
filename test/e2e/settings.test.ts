import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { runToItsEnd, startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { freePort } from "../support/redis-server.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { page, post } from "./keyed-post.ts";
import { storeFile } from "./store-file.ts";
import type { StoreFile } from "./store-file.ts";
import { until } from "../support/until.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

let api: SampleApi;
let store: StoreFile;
let enough: Record<string, string>;
const gateways: GatewayProcess[] = [];
beforeAll(async () => {
  api = await startSampleApi();
  store = storeFile();
  enough = { ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: store.url };
});
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.kill()));
});
afterAll(async () => {
  await api.close();
  store.remove();
});

async function start(env: Record<string, string>): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess(env);
  gateways.push(gateway);
  return gateway;
}

describe("a start is refused with exit code 2", () => {
  test("and the nearest names, where variables are mistyped", async () => {
    const { code, stdout, stderr } = await runToItsEnd({
      ...enough,
      ONCEGATE_REQUIRE_KEYS: "true",
      ONCEGATE_RETENTON: "24h",
    });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("ONCEGATE_REQUIRE_KEYS is not a setting; did you mean ONCEGATE_REQUIRE_KEY?");
    expect(stderr).toContain("ONCEGATE_RETENTON is not a setting; did you mean ONCEGATE_RETENTION?");
  });

  test("and all that is wrong in one message, where values are out of bounds", async () => {
    const { code, stderr } = await runToItsEnd({
      ONCEGATE_STORE: "mysql://root:hush-hush@127.0.0.1/",
      ONCEGATE_LEASE: "2h",
      ONCEGATE_KEY_MAX_LENGTH: "many",
      ONCEGATE_ADMIN_TOKEN: "hush",
    });
    expect(code).toBe(2);
    for (const name of ["UPSTREAM_URL", "STORE", "LEASE", "KEY_MAX_LENGTH", "ADMIN_TOKEN"])
      expect(stderr).toMatch(new RegExp(`^ {2}- ONCEGATE_${name} \\S`, "m"));
    expect(stderr).toContain("ONCEGATE_LEASE must be between 1s and 60s");
    expect(stderr).not.toContain("hush");
  });

  test("where NODE_ENV=production and no store is given, since each process would have a memory of its own", async () => {
    const { code, stderr } = await runToItsEnd({ ONCEGATE_UPSTREAM_URL: api.url, NODE_ENV: "production" });
    expect(code).toBe(2);
    expect(stderr).toContain("ONCEGATE_STORE must be given where NODE_ENV=production");
  });

  test("where a secret's file cannot be read, or the secret is given twice", async () => {
    const absent = join(store.folder, "absent");
    const unread = await runToItsEnd({ ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE_FILE: absent });
    expect(unread.code).toBe(2);
    expect(unread.stderr).toContain(`ONCEGATE_STORE_FILE cannot be read: ENOENT`);
    const file = join(store.folder, "secret");
    writeFileSync(file, "from-the-file-0123456789");
    const twice = await runToItsEnd({
      ...enough,
      ONCEGATE_NAME_SECRET: "from-the-environment",
      ONCEGATE_NAME_SECRET_FILE: file,
    });
    expect(twice.code).toBe(2);
    expect(twice.stderr).toContain("ONCEGATE_NAME_SECRET and ONCEGATE_NAME_SECRET_FILE are both given");
    expect(twice.stderr).not.toMatch(/from-the-(file|environment)/);
  });
});

describe("the start log", () => {
  test("says version, store, durability, listeners and where each value came from, and no secret", async () => {
    const storeSetting = join(store.folder, "store-url");
    const nameSecret = join(store.folder, "name-secret");
    writeFileSync(storeSetting, `${store.url}\n`);
    writeFileSync(nameSecret, "a-name-secret-0123456789\n");
    const gateway = await start({
      ONCEGATE_UPSTREAM_URL: api.url,
      ONCEGATE_STORE_FILE: storeSetting,
      ONCEGATE_NAME_SECRET_FILE: nameSecret,
      ONCEGATE_ADMIN_TOKEN: "an-admin-token-0123456789",
      ONCEGATE_LEASE: "20s",
      NODE_ENV: "production",
    });
    const started = await gateway.logged(({ msg }) => msg === "oncegate started");
    expect(started).toMatchObject({
      version,
      store: store.url,
      durability: expect.stringMatching(/SQLite.*WAL.*FULL/),
      upstream: `${api.url}/`,
      clients: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      admin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      settings: expect.arrayContaining([
        `ONCEGATE_UPSTREAM_URL=${api.url} (ONCEGATE_UPSTREAM_URL)`,
        "ONCEGATE_STORE=(secret) (ONCEGATE_STORE_FILE)",
        "ONCEGATE_NAME_SECRET=(secret) (ONCEGATE_NAME_SECRET_FILE)",
        "ONCEGATE_ADMIN_TOKEN=(secret) (ONCEGATE_ADMIN_TOKEN)",
        "ONCEGATE_LEASE=20s (ONCEGATE_LEASE)",
        "ONCEGATE_RETENTION=24h (default)",
      ]),
    });
    expect(gateway.text()).not.toMatch(/a-name-secret|an-admin-token/);
  });

  test("names ONCEGATE_LISTEN and ONCEGATE_STORE, which beat PORT and REDIS_URL; what Kubernetes injects is ignored", async () => {
    const kubernetes = {
      ONCEGATE_SERVICE_HOST: "10.0.0.1",
      ONCEGATE_PORT: "tcp://10.0.0.1:80",
      ONCEGATE_PORT_80_TCP: "x",
    };
    const gateway = await start({ ...enough, ...kubernetes, PORT: "1", REDIS_URL: "redis://127.0.0.1:1" });
    const settings = (await gateway.logged(({ msg }) => msg === "oncegate started"))["settings"];
    expect(settings).toContain("ONCEGATE_LISTEN=127.0.0.1:0 (ONCEGATE_LISTEN)");
    expect(settings).toContain("ONCEGATE_STORE=(secret) (ONCEGATE_STORE)");
  });

  test("names the same key alike in every gateway of one name secret, and otherwise differently", async () => {
    const hashOf = async (env: Record<string, string>): Promise<unknown> => {
      const own = storeFile();
      const gateway = await start({ ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: own.url, ...env });
      await post(gateway.url, "hashed-1");
      const line = await gateway.logged(({ msg }) => msg === "request");
      await gateway.kill();
      own.remove();
      return line["key"];
    };
    const file = join(store.folder, "shared-secret");
    writeFileSync(file, "a-shared-secret-0123456789\n");
    const named = await hashOf({ ONCEGATE_NAME_SECRET_FILE: file });
    expect(named).toMatch(/^[\w-]{22}$/);
    expect(await hashOf({ ONCEGATE_NAME_SECRET: "a-shared-secret-0123456789" })).toBe(named);
    expect(await hashOf({})).not.toBe(named);
  });
});

describe("oncegate", () => {
  test("version and help print and end well; an unknown command does not", async () => {
    expect(await runToItsEnd({}, ["version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    const help = await runToItsEnd({}, ["help"]);
    expect([help.code, help.stderr]).toEqual([0, ""]);
    expect(help.stdout).toMatch(/^Usage: oncegate[^]*serve[^]*health[^]*version[^]*help/);
    for (const args of [["-h"], ["keys", "--help"], ["store", "-h"]])
      expect([args, await runToItsEnd({}, args)]).toMatchObject([args, { code: 0, stderr: "" }]);
    const unknown = await runToItsEnd({}, ["helth"]);
    expect([unknown.code, unknown.stdout]).toEqual([2, ""]);
    expect(unknown.stderr).toMatch(/no command "helth"[^]*Usage: oncegate/);
  }, 180_000);

  test("asks an old Node for a newer one, in one line", async () => {
    const old = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "22.12.0" } });`;
    expect(
      await runToItsEnd({ NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(old)}` }, ["version"]),
    ).toEqual({ code: 1, stdout: "", stderr: "oncegate needs Node 24 or later, and this is 22.12.0\n" });
  });

  test("health tells alive from ready and from absent, by its exit code", async () => {
    const admin = `127.0.0.1:${await freePort()}`;
    const env = { ...enough, ONCEGATE_ADMIN_LISTEN: admin };
    const absent = await runToItsEnd(env, ["health"]);
    expect([absent.code, absent.stdout]).toEqual([1, ""]);
    expect(absent.stderr).toContain(`ECONNREFUSED ${admin}`);

    const gateway = await start(env);
    expect(await runToItsEnd(env, ["health"])).toMatchObject({ code: 0, stderr: "" });
    expect(await runToItsEnd(env, ["health", "--ready"])).toMatchObject({ code: 0, stderr: "" });

    const running = post(gateway.url, "health-1", { fault: "hang" }).catch(() => undefined);
    await until("it runs", async () =>
      (await page(gateway.adminUrl, "/metrics")).text.includes("\noncegate_in_flight 1\n"),
    );
    gateway.signal("SIGTERM");
    await until("draining", async () => (await page(gateway.adminUrl, "/ready")).status === 503);
    const [alive, ready] = [await runToItsEnd(env, ["health"]), await runToItsEnd(env, ["health", "--ready"])];
    expect([alive.code, ready.code]).toEqual([0, 1]);
    expect(ready.stdout).toContain("draining");
    await gateway.kill();
    await running;
  }, 180_000);

  test("health with wrong settings is told so", async () => {
    const { code, stderr } = await runToItsEnd({ ...enough, ONCEGATE_ADMIN_LISTEN: "here" }, ["health"]);
    expect(code).toBe(1); // Docker keeps 2 for itself
    expect(stderr).toContain("ONCEGATE_ADMIN_LISTEN must be an address and a port");
  });
});
