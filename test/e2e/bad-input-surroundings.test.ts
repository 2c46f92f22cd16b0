import { once } from "node:events";
import { createServer } from "node:http";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runToItsEnd, startGatewayProcess } from "../support/gateway.ts";
import { freePort } from "../support/redis-server.ts";
import { INVOICE, startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { page, post } from "./keyed-post.ts";
import { storeFile } from "./store-file.ts";
import type { StoreFile } from "./store-file.ts";

let api: SampleApi;
let store: StoreFile;
beforeAll(async () => {
  api = await startSampleApi();
  store = storeFile();
});
afterAll(async () => {
  await api.close();
  store.remove();
});

const LISTEN = { ONCEGATE_LISTEN: "127.0.0.1:0", ONCEGATE_ADMIN_LISTEN: "127.0.0.1:0" };

describe("an upstream URL", () => {
  test("that is absent stops the start with exit code 2, what is missing, and how to try the demo", async () => {
    const { code, stdout, stderr } = await runToItsEnd({ ...LISTEN, ONCEGATE_STORE: store.url });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("ONCEGATE_UPSTREAM_URL is missing");
    expect(stderr).toContain("npm run demo");
  });

  test.each(["invoices.example:8080/api", "ftp://127.0.0.1/", "http://user:hush-hush@127.0.0.1/"])(
    "that is %s stops the start with exit code 2 and is not repeated where it holds a password",
    async (url) => {
      const { code, stdout, stderr } = await runToItsEnd({
        ...LISTEN,
        ONCEGATE_STORE: store.url,
        ONCEGATE_UPSTREAM_URL: url,
      });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain("ONCEGATE_UPSTREAM_URL must be an http or https URL");
      expect(stderr).not.toContain("hush-hush");
    },
  );

  test("where nobody listens is 503 for every request, and a keyed one executes once somebody does", async () => {
    const port = await freePort();
    const own = storeFile();
    const gateway = await startGatewayProcess({
      ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${port}`,
      ONCEGATE_STORE: own.url,
    });
    try {
      for (const key of ["nobody-1", undefined]) {
        const refused = await post(gateway.url, key);
        expect([refused.status, refused.code]).toEqual([503, "upstream-unreachable"]);
        expect(refused.headers.get("retry-after")).toBe("1");
        expect(JSON.parse(refused.text)).toMatchObject({ retryable: true });
      }
      expect(own.records()).toBe(0);
      expect((await page(gateway.adminUrl, "/ready")).status).toBe(200);
      let executions = 0;
      const late = createServer((_req, res) => res.writeHead(201, { "content-length": 2 }).end(`${++executions}.`));
      await once(late.listen(port, "127.0.0.1"), "listening");
      try {
        const [executed, again] = [await post(gateway.url, "nobody-1"), await post(gateway.url, "nobody-1")];
        expect([executed.status, executed.isReplay, again.isReplay]).toEqual([201, false, true]);
        expect(executions).toBe(1);
      } finally {
        late.close();
        late.closeAllConnections();
      }
    } finally {
      await gateway.kill();
      own.remove();
    }
  });
});

describe("a data folder", () => {
  const start = (file: string) =>
    runToItsEnd({ ...LISTEN, ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: `sqlite:${file}` });

  test.each([
    ["below a regular file", () => join(store.folder, "regular", "oncegate.db")],
    ["on a file system that takes none", () => "/proc/oncegate/oncegate.db"],
  ])("that cannot be made, %s, stops the start with exit code 1 and the file's name", async (_where, place) => {
    const file = place();
    writeFileSync(join(store.folder, "regular"), "a file, not a folder");
    const { code, stderr } = await start(file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^oncegate cannot start: .*its folder cannot be made/);
    expect(stderr).toContain(file);
    expect(stderr).not.toMatch(/^ {4}at /m); // a message, not a stack
  });

  test("that cannot be written to stops the start with exit code 1 and the file's name", async () => {
    const { code, stderr } = await start("/proc/oncegate.db");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^oncegate cannot start: .*\/proc\/oncegate\.db/);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });

  test("with something else in the file's place stops the start, and the file is left as it was", async () => {
    const foreign = join(store.folder, "foreign.db");
    const content = JSON.stringify(INVOICE).repeat(100);
    writeFileSync(foreign, content);
    const folder = join(store.folder, "folder.db");
    mkdirSync(folder);
    for (const [file, why] of [
      [foreign, "not an SQLite database"],
      [folder, "cannot be opened"],
    ] as const) {
      const { code, stderr } = await start(file);
      expect(code).toBe(1);
      expect(stderr).toContain(`oncegate cannot start: SQLite file ${file}: `);
      expect(stderr).toContain(why);
    }
    expect(readFileSync(foreign, "utf8")).toBe(content);
  });
});

test.each(["ONCEGATE_LISTEN", "ONCEGATE_ADMIN_LISTEN"])(
  "a port of %s that somebody else has stops the start with exit code 1 and the address",
  async (name) => {
    const taken = `127.0.0.1:${api.port}`;
    const env = { ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: store.url, ...LISTEN, [name]: taken };
    const { code, stderr } = await runToItsEnd(env);
    expect(code).toBe(1);
    expect(stderr).toContain(`oncegate cannot start: ${name}=${taken}: another program listens there`);
  },
);

test.each([
  ["ONCEGATE_UPSTREAM_CA_FILE", "certificate"],
  ["ONCEGATE_REDIS_CERT_FILE", "certificate"],
  ["ONCEGATE_REDIS_KEY_FILE", "private key"],
])("a file of %s that holds none stops the start with exit code 1 and its name", async (name, what) => {
  const file = join(store.folder, "no.pem");
  writeFileSync(file, "nothing of the kind");
  const env = { ...LISTEN, ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: "rediss://127.0.0.1:9", [name]: file };
  const { code, stderr } = await runToItsEnd(env);
  expect(code).toBe(1);
  expect(stderr).toContain(`oncegate cannot start: ${name}=${file} has no ${what} in PEM: `);
});
