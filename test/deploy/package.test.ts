import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { post } from "../e2e/keyed-post.ts";
import { follow } from "../support/gateway.ts";
import { freePort } from "../support/redis-server.ts";
import { startSampleApi } from "../support/sample-api.ts";
import { outside } from "./image.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { version, files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<string, unknown>;

let folder: string;
/** `npm pack`, and the installation of what it made in an empty folder: what somebody who installs the package gets. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-package-"));
  npm(ROOT, "pack", "--pack-destination", folder);
  const [tarball = ""] = readdirSync(folder);
  writeFileSync(join(folder, "package.json"), "{}");
  npm(folder, "install", "--omit=optional", `./${tarball}`);
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function npm(cwd: string, ...args: string[]): void {
  execFileSync("npm", args, { cwd, env: outside(), stdio: ["ignore", "ignore", "pipe"], timeout: 150_000 });
}

const command = (): string => join(folder, "node_modules/.bin/oncegate");

test("the package has the program as JavaScript, and neither its source nor its tests", () => {
  expect(files).toEqual(["dist"]);
  const installed = readdirSync(join(folder, "node_modules/oncegate"), { recursive: true }) as string[];
  expect(readdirSync(join(folder, "node_modules/oncegate")).toSorted()).toEqual([
    "LICENSE",
    "README.md",
    "dist",
    "package.json",
  ]);
  const source = readdirSync(join(ROOT, "src"), { recursive: true }) as string[];
  const expected = source.map((path) => join("dist", path.replace(/\.ts$/, ".js")));
  expect(installed.filter((path) => path.startsWith("dist/")).toSorted()).toEqual(expected.toSorted());
});

test("its command says its version", () => {
  expect(execFileSync(command(), ["version"], { encoding: "utf8" })).toBe(`${String(version)}\n`);
});

test("its command proves itself: it starts its own gateways from the package", () => {
  const env = { PATH: process.env["PATH"] };
  const said = execFileSync(command(), ["prove", "--seconds", "2", "--intents", "20"], { env, encoding: "utf8" });
  expect(said).toMatch(/^20 intents, 20 invoices, 0 lost answers, \d+ replays, \d+ unknown resolved$/m);
}, 120_000);

test("its command runs a gateway with a SQLite file, is healthy and stops", async () => {
  const api = await startSampleApi();
  const env = {
    PATH: process.env["PATH"],
    ONCEGATE_UPSTREAM_URL: api.url,
    ONCEGATE_STORE: `sqlite:${join(folder, "oncegate.db")}`,
    ONCEGATE_LISTEN: "127.0.0.1:0",
    ONCEGATE_ADMIN_LISTEN: `127.0.0.1:${await freePort()}`,
  };
  const gateway = follow(spawn(command(), { env, stdio: ["ignore", "pipe", "pipe"] }));
  try {
    const { clients } = await gateway.logged(({ msg }) => msg === "oncegate started");
    expect(execFileSync(command(), ["health", "--ready"], { env, encoding: "utf8" })).toBe('{"status":"ready"}\n');
    const [first, second] = [await post(String(clients), "packed"), await post(String(clients), "packed")];
    expect([first.status, first.isReplay, second.status, second.isReplay]).toEqual([201, false, 201, true]);
    gateway.signal("SIGINT");
    expect(await gateway.exited).toBe(0);
  } finally {
    await gateway.kill();
    await api.close();
  }
});
