import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runToItsEnd } from "../support/gateway.ts";
import { runCommand } from "../support/run-command.ts";
import { page, post } from "./keyed-post.ts";
import { oneGateway } from "./one-gateway.ts";
import type { OneGateway } from "./one-gateway.ts";

const TOKEN = "a-token-for-operators";

let { api, gateway, end } = {} as OneGateway;
beforeAll(async () => {
  ({ api, gateway, end } = await oneGateway({ ONCEGATE_ADMIN_TOKEN: TOKEN }));
});
afterAll(() => end());

/** `oncegate keys ...`, as an operator types it beside the gateway. */
async function keys(...args: string[]) {
  return runCommand(beside(), ["keys", ...args]);
}

const beside = () => ({ ONCEGATE_ADMIN_LISTEN: new URL(gateway.adminUrl).host, ONCEGATE_ADMIN_TOKEN: TOKEN });

type Listed = { name: string; key: string; owner: string; state: string; reason?: string; startedAt: string };

async function listed(...args: string[]): Promise<Listed[]> {
  const { code, stdout } = await keys(...args, "--json");
  expect(code).toBe(0);
  const document = JSON.parse(stdout) as { records?: Listed[] } & Listed;
  return document.records ?? [document];
}

/** An operation whose answer got lost, as an operator finds it. */
async function lost(key: string): Promise<Listed> {
  expect((await post(gateway.url, key, { fault: "reset-after" })).code).toBe("outcome-unknown");
  const [record] = await listed("show", "--client-key", key);
  expect(record).toMatchObject({ state: "unknown", reason: "upstream-reset" });
  return record!;
}

describe("an operator", () => {
  test("lists what is unknown, and finds it by the hash in the log or the client's key", async () => {
    const record = await lost("listed");
    const line = await gateway.logged(({ msg, key }) => msg === "request" && key === record.key);
    expect(line).toMatchObject({ outcome: "unknown" });
    expect((await listed("list")).map(({ name }) => name)).toContain(record.name);
    expect(await listed("show", record.key)).toEqual([record]);
    expect(await listed("show", record.name)).toEqual([record]);
    const { stdout } = await runToItsEnd(beside(), ["keys", "list"]);
    expect(stdout).toContain(record.name);
    expect(stdout).toContain("the connection to the API broke before its answer");
  });

  test("gives the answer that was lost, and retries get it, marked as the operator's", async () => {
    const { name, owner } = await lost("answered");
    const invoices = await api.count("/invoices");
    const answer = ["--executed", "--status", "201", "--header", "Location: /invoices/7", "--body", '{"id":7}'];
    const said = await keys("resolve", name, "--owner", owner, "--why", "seen in the API", "--by", "Ann", ...answer);
    expect(said).toMatchObject({ code: 0, stdout: "resolved\n" });
    const retry = await post(gateway.url, "answered");
    expect(retry).toMatchObject({ status: 201, isReplay: true, text: '{"id":7}' });
    expect(Object.fromEntries(retry.headers)).toMatchObject({
      "idempotency-source": "operator",
      location: "/invoices/7",
      "content-type": "application/json",
    });
    expect(await api.count("/invoices")).toBe(invoices);
    const { stdout } = await keys("journal", "--limit", "1");
    expect(JSON.parse(stdout)).toMatchObject({
      event: "resolved",
      verdict: "executed",
      name,
      owner,
      by: "Ann",
      why: "seen in the API",
    });
  });

  test("can say that it was executed without knowing the answer", async () => {
    const { name, owner } = await lost("executed");
    await keys("resolve", name, "--owner", owner, "--why", "seen in the API", "--executed");
    expect(await post(gateway.url, "executed")).toMatchObject({ status: 409, code: "already-completed" });
  });

  test("is asked to look again before a key becomes free", async () => {
    const { name, owner } = await lost("not-executed");
    const said = await keys("resolve", name, "--owner", owner, "--reason", "not in the API", "--not-executed");
    expect(said.code).toBe(0);
    expect(said.stdout).toMatch(/^look-again in 3\d\d s\. /);
    expect((await post(gateway.url, "not-executed")).code).toBe("outcome-unknown");
  });

  test("is told what retries get, and finds what begins with a dash", async () => {
    await post(gateway.url, "answered by the API");
    expect((await keys("show", "--client-key", "answered by the API")).stdout).toContain("get the API's answer, 201");
    const dashed = `-${"a".repeat(21)}`;
    expect(await keys("show", dashed)).toEqual({ code: 0, stdout: "No such record stands.\n", stderr: "" });
    expect((await keys("show", `${dashed}.${"b".repeat(22)}`)).stderr).toBe("oncegate keys: No such record stands.\n");
  });

  test("is told what is wrong, and nothing changes", async () => {
    const record = await lost("mistyped");
    const { name, owner } = record;
    const other = `${name.slice(0, 23)}${"x".repeat(22)}`;
    const said = ["--why", "w"];
    const wrong: [args: string[], code: number, words: string][] = [
      [[], 2, "say which command"],
      [["rename"], 2, 'no command "rename"'],
      [["show", "listed"], 2, "say which record"],
      [["list", "--all"], 2, "--all"],
      [["list", "--state", "done"], 1, "state"],
      [["resolve", name, ...said, "--executed"], 2, "--owner"],
      [["resolve", name, "--owner", owner, "--executed"], 2, "--why"],
      [["resolve", name, "--owner", owner, ...said], 2, "--executed or --not-executed"],
      [["resolve", name, "--owner", "A".repeat(22), ...said, "--executed"], 1, "not the operation that was judged"],
      [["resolve", name, "--owner", owner, ...said, "--executed", "--status", "99"], 1, "status"],
      [["resolve", other, "--owner", owner, ...said, "--executed"], 1, "No such record"],
      [
        ["resolve", name, "--owner", owner, ...said, "--executed", "--status", "200", "--header", "x"],
        2,
        "Name: value",
      ],
      [["resolve", name, "--owner", owner, ...said, "--executed", "--status", "200", "--body", "@/none"], 1, "ENOENT"],
      [["resolve", name, "--owner", owner, ...said, "--executed", "--status", "200", "--body", "\uFFFD"], 2, "text"],
    ];
    const endings = await Promise.all(wrong.map(([args]) => keys(...args)));
    for (const [i, [args, code, words]] of wrong.entries()) {
      expect([args, endings[i]?.code]).toEqual([args, code]);
      expect(endings[i]?.stderr).toContain(words);
    }
    expect(await listed("show", name)).toEqual([record]);
  });
});

describe("records and journal", () => {
  const ask = (path: string, init: RequestInit = {}) => fetch(gateway.adminUrl + path, init);

  test.each(["/records", "/records/x", "/journal", "/records/x/resolution", "/store", "/store/loss-acceptance"])(
    "are shown to nobody without the token: %s",
    async (path) => {
      for (const authorization of ["", "Bearer wrong-token-of-operators", `Basic ${TOKEN}`]) {
        const answer = await ask(path, { headers: { authorization } });
        expect(answer.status).toBe(401);
        expect(await answer.json()).toMatchObject({ error: "unauthorized" });
      }
      expect((await ask(path, { method: "POST", body: "{}" })).status).toBe(401);
    },
  );

  test("leave the four pages open", async () => {
    for (const path of ["/live", "/ready", "/version", "/metrics"])
      expect((await page(gateway.adminUrl, path)).status).toBe(200);
  });

  test("are not on the client port", async () => {
    const answer = await fetch(`${gateway.url}/records`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(await answer.text()).toContain("There is no GET /records.");
  });
});
