import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { LogLine } from "../support/gateway.ts";
import { page, post } from "./keyed-post.ts";
import { oneGateway } from "./one-gateway.ts";
import type { OneGateway } from "./one-gateway.ts";
import { until } from "../support/until.ts";

let { api, gateway, end } = {} as OneGateway;
beforeAll(async () => {
  ({ api, gateway, end } = await oneGateway({ ONCEGATE_UPSTREAM_TIMEOUT: "2s" }));
});
afterAll(() => end());

describe("the admin port", () => {
  test("says that it is alive, ready and which version it is, and has nothing else", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    const pages = ["/live", "/ready", "/version"].map((path) => page(gateway.adminUrl, path));
    expect(await Promise.all(pages)).toEqual([
      { status: 200, text: JSON.stringify({ status: "live" }) },
      { status: 200, text: JSON.stringify({ status: "ready" }) },
      { status: 200, text: JSON.stringify({ version }) },
    ]);
    expect((await page(gateway.adminUrl, "/invoices")).status).toBe(404);
  });

  test("is not on the client port: its pages are the API's business there", async () => {
    for (const path of ["/live", "/ready", "/version", "/metrics"]) {
      const [through, direct] = [await page(gateway.url, path), await page(api.url, path)];
      expect(through).toEqual(direct);
      expect(through.text).toContain(`There is no GET ${path}.`);
    }
  });
});

/** Samples by name and labels as written: `oncegate_requests_total{outcome="replayed"}`. */
async function metrics(): Promise<Map<string, number>> {
  const { status, text } = await page(gateway.adminUrl, "/metrics");
  expect(status).toBe(200);
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

describe("the metrics", () => {
  const ended = (outcome: string) => `oncegate_requests_total{outcome="${outcome}"}`;
  const asked = (verb: string) => `oncegate_store_seconds_count{verb="${verb}",answered="true"}`;
  const UPSTREAM = "oncegate_upstream_seconds_count";
  const UNKNOWN = "oncegate_unknown_records";
  const other = { body: JSON.stringify({ another: "body" }) };

  /** In this order: later rows retry what earlier ones did. */
  const MOVES: [string, () => Promise<unknown>, Record<string, number>][] = [
    [
      "a first use",
      () => post(gateway.url, "metered-1"),
      { [ended("completed")]: 1, [UPSTREAM]: 1, [asked("claim")]: 1, [asked("complete")]: 1, [UNKNOWN]: 0 },
    ],
    [
      "a replay",
      () => post(gateway.url, "metered-1"),
      { [ended("replayed")]: 1, [UPSTREAM]: 0, [asked("claim")]: 1, [asked("complete")]: 0 },
    ],
    [
      "a reuse",
      () => post(gateway.url, "metered-1", other),
      { [ended("key-reused")]: 1, [UPSTREAM]: 0, [asked("claim")]: 1 },
    ],
    [
      "a validation failure",
      () => post(gateway.url, "metered-2", other),
      { [ended("released")]: 1, [UPSTREAM]: 1, [asked("release")]: 1 },
    ],
    [
      "a pass-through",
      () => post(gateway.url, undefined),
      { [ended("pass-through")]: 1, [UPSTREAM]: 0, [asked("claim")]: 0 },
    ],
    [
      "a lost answer",
      () => post(gateway.url, "metered-3", { fault: "reset-after" }),
      { [ended("unknown")]: 1, [asked("hold")]: 1, [UNKNOWN]: 1 },
    ],
    [
      "an unknown status",
      () => post(gateway.url, "metered-4", { fault: "status:502;after" }),
      { [ended("unknown")]: 1, [asked("hold")]: 1, [UNKNOWN]: 1 },
    ],
    ["a retry of an unknown", () => post(gateway.url, "metered-4"), { [ended("outcome-unknown")]: 1, [UNKNOWN]: 0 }],
  ];

  test.each(MOVES)("move with %s", async (_what, act, expected) => {
    const before = await metrics();
    await act();
    const moved = async () => {
      const after = await metrics();
      const difference = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
      return Object.fromEntries(Object.keys(expected).map((name) => [name, difference(name)]));
    };
    // A request counts last, when its answer has left, which can be after the client has it.
    const [outcome = ""] = Object.keys(expected);
    await until("the request counts", async () => (await moved())[outcome] === 1);
    expect(await moved()).toEqual(expected);
  });

  test("show what is being served, and nothing once it ended", async () => {
    const inFlight = async () => (await metrics()).get("oncegate_in_flight");
    await until("nothing is served", async () => (await inFlight()) === 0);
    const running = post(gateway.url, "metered-5", { fault: "hang" });
    await until("the operation is served", async () => (await inFlight()) === 1);
    expect((await running).code).toBe("outcome-unknown");
    expect(await until("nothing is served", async () => (await inFlight()) === 0)).toBe(true);
  });

  test("have no key, scope or path among their labels", async () => {
    const { text } = await page(gateway.adminUrl, "/metrics");
    expect(text).not.toMatch(/metered|customer-1|invoices/);
    const labels = new Set([...text.matchAll(/(\w+)="/g)].map(([, label]) => label));
    expect(labels).toEqual(new Set(["outcome", "verb", "answered", "le"]));
  });
});

describe("the log", () => {
  /** The lines of the requests that `act` makes; as many as it says. */
  async function requestLines(act: () => Promise<number>): Promise<LogLine[]> {
    const isRequest = ({ msg }: LogLine) => msg === "request";
    const { logged: before } = await until("the log has caught up", async () => {
      const now = await metrics();
      const counted = [...now].filter(([name]) => name.startsWith("oncegate_requests_total"));
      const ended = counted.reduce((sum, [, count]) => sum + count, 0);
      const logged = gateway.lines.filter(isRequest).length;
      return now.get("oncegate_in_flight") === 0 && logged === ended && { logged };
    });
    const made = await act();
    const lines = () => gateway.lines.filter(isRequest).slice(before);
    await until("every request has its line", () => lines().length >= made);
    expect(lines()).toHaveLength(made);
    return lines();
  }

  test("has one line a request, with its outcome, key hash, rule and times", async () => {
    const lines = await requestLines(async () => {
      await post(gateway.url, "logged-1", { fault: "delay:100" });
      await post(gateway.url, "logged-1");
      await post(gateway.url, undefined, { path: "/invoices?number=2026-001" });
      return 3;
    });
    const common = { msg: "request", level: "info", method: "POST", path: "/invoices", ms: expect.any(Number) };
    const key = lines[0]?.["key"];
    expect(key).toMatch(/^[\w-]{22}$/);
    expect(lines).toEqual([
      expect.objectContaining({ ...common, status: 201, outcome: "completed", rule: "default", key }),
      expect.objectContaining({ ...common, status: 201, outcome: "replayed", rule: "default", key }),
      expect.objectContaining({ ...common, status: 201, outcome: "pass-through" }),
    ]);
    expect(lines.map((line) => ["storeMs", "upstreamMs"].map((name) => typeof line[name]))).toEqual([
      ["number", "number"],
      ["number", "undefined"],
      ["undefined", "undefined"],
    ]);
    const [first] = lines;
    expect(Number(first?.["upstreamMs"])).toBeGreaterThanOrEqual(100);
    expect(Number(first?.["ms"])).toBeGreaterThanOrEqual(Number(first?.["upstreamMs"]));
    expect(new Set(lines.map((line) => line["requestId"])).size).toBe(3);
  });

  test("names a problem's line by the requestId that the client was told", async () => {
    let told: unknown;
    const [line] = await requestLines(async () => {
      const refused = await post(gateway.url, "");
      told = (JSON.parse(refused.text) as { requestId: unknown }).requestId;
      return 1;
    });
    expect(line).toMatchObject({ requestId: told, status: 400, outcome: "key-invalid" });
  });

  test("says why an operation is unknown", async () => {
    const [line] = await requestLines(async () => {
      await post(gateway.url, "logged-2", { fault: "reset-after" });
      return 1;
    });
    expect(line).toMatchObject({ status: 502, level: "warn", outcome: "unknown", why: expect.stringMatching(/\S/) });
  });
});
