import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { runCommand } from "../support/run-command.ts";
import { INVOICE, startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { post } from "./keyed-post.ts";
import { storeFile } from "./store-file.ts";

/** What an operator is shown of observe mode between the Monday and the Friday. */
let api: SampleApi;
let gateway: GatewayProcess;
let rulesFile: string;
let start: (settings: Record<string, string>) => Promise<void>;
const ending: (() => unknown)[] = [];
beforeEach(async () => {
  api = await startSampleApi();
  const store = storeFile();
  ending.push(
    () => api.close(),
    () => store.remove(),
  );
  rulesFile = join(store.folder, "rules.yaml");
  start = async (settings) => {
    gateway = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: store.url, ...settings });
    ending.push(() => gateway.kill());
  };
});
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

/** `oncegate observed ...`, as it is typed beside the gateway. */
async function observed(...args: string[]): Promise<string> {
  const beside = { ONCEGATE_ADMIN_LISTEN: new URL(gateway.adminUrl).host };
  const { code, stdout, stderr } = await runCommand(beside, ["observed", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

type Listed = { since: string; observing: string[]; observed: { rule: string; outcome: string; times: number }[] };
const listed = async (): Promise<Listed> => JSON.parse(await observed("--json")) as Listed;

/** A first use, two retries of it, and the same key for something else. */
async function fourPosts(): Promise<void> {
  for (const number of ["1", "1", "1", "2"])
    await post(gateway.url, "k", { body: JSON.stringify({ ...INVOICE, number }) });
}

/** Three of the four. A request counts when its answer has left, which can be after the client has it. */
const untilThreeCount = () =>
  until("all of them count", async () => {
    const { observed: rows } = await listed();
    return rows.reduce((sum, { times }) => sum + times, 0) === 3;
  });

const rules = (mode: string): string =>
  `version: 1\nrules: [{ name: invoices, match: { path: /invoices }, mode: ${mode} }]`;

describe("oncegate observed", () => {
  test("lists what would have been stopped: by which rule, with what answer, how often, and where each of them is", async () => {
    writeFileSync(rulesFile, rules("observe"));
    await start({ ONCEGATE_MODE: "observe", ONCEGATE_RULES: rulesFile });
    expect(await observed()).toMatch(/^Nothing would have been stopped since \S+Z.*\nObserving: invoices, default\./s);

    await fourPosts();
    expect(await api.count("/invoices")).toBe(4);
    await untilThreeCount();
    const said = await observed();
    expect(said).toMatch(/^rule +would have been +times\n/);
    expect(said).toMatch(/^invoices +replayed +2$/m);
    expect(said).toMatch(/^invoices +key-reused +1$/m);
    const { since, ...rest } = await listed();
    expect(rest).toEqual({
      observing: ["invoices", "default"],
      observed: [
        { rule: "invoices", outcome: "replayed", times: 2 },
        { rule: "invoices", outcome: "key-reused", times: 1 },
      ],
    });
    expect(said).toContain(`since ${since}`);
    expect(Math.abs(Date.now() - Date.parse(since))).toBeLessThan(600_000);
    // What it says of the log is so.
    expect(said).toContain('"observed":"');
    await gateway.logged(({ observed: would }) => would === "key-reused");
    expect(gateway.text().match(/"rule":"invoices".*"observed":"replayed"/g)).toHaveLength(2);
  });

  test("adds up what each worker saw", async () => {
    await start({ ONCEGATE_MODE: "observe", ONCEGATE_WORKERS: "2" });
    await fourPosts();
    await untilThreeCount();
    expect(await listed()).toMatchObject({
      observing: ["default"],
      observed: [
        { rule: "default", outcome: "replayed", times: 2 },
        { rule: "default", outcome: "key-reused", times: 1 },
      ],
    });
  });

  test("says how to observe where no rule does, and follows the rules file", async () => {
    writeFileSync(rulesFile, rules("enforce"));
    await start({ ONCEGATE_RULES: rulesFile });
    expect(await observed()).toMatch(/^No rule observes: .*ONCEGATE_MODE=observe/);
    expect((await listed()).observing).toEqual([]);

    const reload = async (text: string) => {
      const before = gateway.lines.filter(({ msg }) => msg === "rules loaded").length;
      writeFileSync(rulesFile, text);
      gateway.signal("SIGHUP");
      await until(
        "the rules are loaded",
        () => gateway.lines.filter(({ msg }) => msg === "rules loaded").length > before,
      );
    };
    await reload(rules("observe"));
    expect((await listed()).observing).toEqual(["invoices"]);
    await fourPosts();
    await untilThreeCount();
    await reload(rules("enforce"));
    // What was counted until Friday can still be read on Friday.
    expect(await observed()).toMatch(/invoices +replayed +2\n[^]*No rule observes/);
  });

  test("lists duplicates that a rule lets through to be counted", async () => {
    writeFileSync(
      rulesFile,
      'version: 1\nrules: [{ name: alike, match: { path: /invoices }, duplicates: { fields: ["body:number"], then: observe } }]',
    );
    await start({ ONCEGATE_RULES: rulesFile });
    for (const key of ["a", "b"]) await post(gateway.url, key);
    await until("it counts", async () => (await listed()).observed.length === 1);
    expect(await listed()).toMatchObject({
      observing: ["alike"],
      observed: [{ rule: "alike", outcome: "duplicate", times: 1 }],
    });
  });

  test("says that no gateway is there, and what it does not understand", async () => {
    const beside = { ONCEGATE_ADMIN_LISTEN: "127.0.0.1:1" };
    const away = await runCommand(beside, ["observed"]);
    expect([away.code, away.stderr]).toEqual([1, expect.stringContaining("no gateway answers on 127.0.0.1:1")]);
    const mistyped = await runCommand(beside, ["observed", "list"]);
    expect([mistyped.code, mistyped.stderr]).toEqual([2, expect.stringContaining("Usage: oncegate observed")]);
    expect((await runCommand({}, ["observed", "--help"])).stdout).toContain("Usage: oncegate observed");
    expect((await runCommand({}, ["help"])).stdout).toMatch(/^ {2}observed /m);
  });
});
