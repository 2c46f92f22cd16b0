import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { perform } from "./printed-command.ts";
import { isRunning, startDemo, type Demo } from "./running-demo.ts";

const READY = "Ctrl-C stops both.";
const demoMain = fileURLToPath(new URL("../../examples/demo.ts", import.meta.url));

let demo: Demo;
afterEach(() => demo.discard());

test("the printed commands show creation, replay, refusal and one invoice; Ctrl-C stops both", async () => {
  demo = startDemo([demoMain], { ONCEGATE_LISTEN: "nowhere", PORT: "1" });
  await demo.says(READY);
  const [create = "", retry = "", reuse = "", list = "", ...more] = demo.commands();
  expect(more).toEqual([]);

  const created = await perform(create);
  expect(created.status).toBe(201);
  expect(created.headers.has("idempotent-replayed")).toBe(false);

  const retried = await perform(retry);
  expect(retried.status).toBe(201);
  expect(retried.headers.get("idempotent-replayed")).toBe("true");
  expect(retried.headers.get("location")).toBe(created.headers.get("location"));
  expect(retried.body).toBe(created.body);

  const refused = await perform(reuse);
  expect(refused.status).toBe(422);
  expect(JSON.parse(refused.body)).toMatchObject({ code: "key-reused" });

  const listed = await perform(list);
  expect(JSON.parse(listed.body)).toEqual({ count: 1, invoices: [JSON.parse(created.body)] });

  demo.pressCtrlC();
  expect(await demo.ended).toBe(0);
  expectNothingLeft();
}, 120_000);

describe("with a stand-in for the gateway", () => {
  let folder: string;
  let signals: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "demo-test-"));
    signals = join(folder, "signals");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function startWith(standIn: string): Demo {
    const gateway = join(folder, "gateway.mjs");
    writeFileSync(gateway, standIn);
    rmSync(signals, { force: true });
    const run = new URL("../../examples/demo/run.ts", import.meta.url).href;
    const program = `import { runDemo } from ${JSON.stringify(run)};
      process.exitCode = await runDemo(${JSON.stringify(gateway)});`;
    return startDemo(["--input-type=module", "--eval", program]);
  }

  const obedient = () => `
    import { appendFileSync } from "node:fs";
    import { createServer } from "node:http";
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {
      appendFileSync(${JSON.stringify(signals)}, signal + " ");
      setTimeout(() => process.exit(0), 500);
    });
    const [host, port] = process.env.ONCEGATE_ADMIN_LISTEN.split(":");
    createServer((request, response) => response.end()).listen(port, host);
  `;

  test("Ctrl-C signals the gateway once", async () => {
    demo = startWith(obedient());
    await demo.says(READY);
    demo.pressCtrlC();
    expect(await demo.ended).toBe(0);
    expect(readFileSync(signals, "utf8")).toBe("SIGTERM ");
    expectNothingLeft();
  });

  test("SIGTERM before it is ready stops both with 0", async () => {
    demo = startWith("setInterval(() => {}, 1000);");
    await demo.says("Logs and databases:");
    demo.signal("SIGTERM");
    expect(await demo.ended).toBe(0);
    expect(demo.output()).not.toContain(READY);
    expectNothingLeft();
  });

  test("a gateway that ends at start is shown with its output", async () => {
    demo = startWith("console.error('ONCEGATE_STORE: no such thing'); process.exit(2);");
    expect(await demo.ended).toBe(1);
    expect(demo.output()).toMatch(/The gateway ended with code 2[^]*ONCEGATE_STORE: no such thing/);
    expect(demo.output()).not.toContain(READY);
    expectNothingLeft();
  });

  test("a gateway that is killed ends the demo, the sample API with it", async () => {
    demo = startWith(obedient());
    await demo.says(READY);
    process.kill(demo.pids().gateway, "SIGKILL");
    expect(await demo.ended).toBe(1);
    expect(demo.output()).toContain("The gateway was ended by SIGKILL");
    expectNothingLeft();
  });

  describe("while the default ports are taken", () => {
    const taken: Server[] = [];
    beforeAll(async () => {
      for (const port of [3001, 8080, 9090]) {
        const server = createServer().listen(port, "127.0.0.1");
        // Someone else has the port: then it is taken as well.
        await once(server, "listening")
          .then(() => taken.push(server))
          .catch(() => undefined);
      }
    });
    afterAll(() => {
      for (const server of taken) server.close();
    });

    test("it takes free ones and prints them", async () => {
      demo = startWith(obedient());
      await demo.says(READY);
      const ports = Array.from(demo.output().matchAll(/127\.0\.0\.1:(\d+)/g), ([, port]) => port);
      expect(new Set(ports).size).toBe(3);
      expect(ports).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(3001|8080|9090)$/)]));
      const [, sample] = /sample invoice API (\S+)/.exec(demo.output()) ?? [];
      expect((await fetch(`${sample}/invoices`)).status).toBe(200);
    });
  });
});

function expectNothingLeft(): void {
  const { gateway, sample } = demo.pids();
  expect([gateway, sample].map((pid) => isRunning(pid))).toEqual([false, false]);
  const [, folder = ""] = /databases: (\S+) /.exec(demo.output()) ?? [];
  expect(folder).toContain("oncegate-demo-");
  expect(existsSync(folder)).toBe(false);
}
