import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recordingUpstream } from "../e2e/recording-upstream.ts";
import type { RecordingUpstream } from "../e2e/recording-upstream.ts";
import { runToItsEnd, startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";

/** A rules file that changes under a gateway. */
let folder: string;
let upstream: RecordingUpstream;
let gateway: GatewayProcess | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-rules-"));
  upstream = await recordingUpstream();
});
afterEach(async () => {
  await gateway?.kill();
  gateway = undefined;
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

const write = (rule: string): void =>
  writeFileSync(join(folder, "rules.yaml"), `version: 1\nrules:\n  - { name: a, match: { path: /a }, ${rule} }\n`);
const environment = () => ({
  ONCEGATE_UPSTREAM_URL: upstream.url,
  ONCEGATE_STORE: `sqlite:${join(folder, "oncegate.db")}`,
  ONCEGATE_RULES: join(folder, "rules.yaml"),
});
async function start(): Promise<void> {
  gateway = await startGatewayProcess(environment());
  await untilReady(gateway);
}
const post = (key: string): Promise<Answer> =>
  send(`${gateway!.url}/a`, { headers: { "idempotency-key": key, "x-new-key": key } });
async function hangUp(expected: string): Promise<unknown> {
  const seen = gateway!.lines.length;
  gateway!.signal("SIGHUP");
  const line = await gateway!.logged((one) => gateway!.lines.indexOf(one) >= seen && one.msg.startsWith(expected));
  const metrics = await (await fetch(`${gateway!.adminUrl}/metrics`)).text();
  return {
    rules: line["rules"],
    mistakes: line["mistakes"],
    refused: Number(/^oncegate_rules_refused (\d)$/m.exec(metrics)?.[1]),
  };
}

test("SIGHUP puts the rules of the file in force; with a mistake in it those before stay, and the log and a metric say so", async () => {
  write("onCompleted: replay");
  await start();
  await post("k1");
  expect((await post("k1")).replayed).toBe(true);

  write("onCompleted: reject");
  expect((await post("k1")).replayed).toBe(true); // not yet
  expect(await hangUp("rules loaded")).toEqual({ rules: ["a", "default"], refused: 0 });
  expect((await post("k1")).code).toBe("already-completed");

  write("onCompleted: replya");
  expect(await hangUp("rules refused")).toEqual({
    mistakes: [`${join(folder, "rules.yaml")}:3:50: rules.0.onCompleted must be replay or reject`],
    refused: 1,
  });
  expect((await post("k1")).code).toBe("already-completed");

  write("onCompleted: replay");
  expect(await hangUp("rules loaded")).toMatchObject({ refused: 0 });
  expect((await post("k1")).replayed).toBe(true);
});

test("an operation that runs keeps the rule that it began with", async () => {
  write("retention: 24h");
  await start();
  const running = Promise.withResolvers<ServerResponse>();
  upstream.answer = (_req, res) => running.resolve(res);
  const first = post("k1");
  const res = await running.promise;
  write("retention: 24h, outcome: { release: [{ status: [201] }] }");
  await hangUp("rules loaded");
  res.writeHead(201).end("made");
  expect((await first).status).toBe(201);
  expect((await post("k1")).replayed).toBe(true); // by the rule of now it would have been released
});

test("the guard knows the headers of the new rules", async () => {
  write("retention: 24h");
  await start();
  const lookalike = { x_new_key: "k" };
  expect((await send(`${gateway!.url}/a`, { headers: lookalike })).status).toBe(200);
  write('key: { from: ["header:x-new-key"] }');
  await hangUp("rules loaded");
  expect((await send(`${gateway!.url}/a`, { headers: lookalike })).code).toBe("bad-request");
});

test("a rules file with mistakes stops the start, with all of them", async () => {
  write("onCompleted: replya, onInFligth: reject");
  const { code, stderr } = await runToItsEnd(environment());
  expect([code, stderr.split("\n").slice(0, 3)]).toEqual([
    2,
    [
      "oncegate cannot start:",
      `  - ${join(folder, "rules.yaml")}:3:50: rules.0.onCompleted must be replay or reject`,
      `  - ${join(folder, "rules.yaml")}:3:58: rules.0 does not know onInFligth (did you mean onInFlight?)`,
    ],
  ]);
});

test("keys of tokens that are none stop the start", async () => {
  write("retention: 24h");
  const file = join(folder, "keys.json");
  writeFileSync(file, '{"keys":1}');
  const { code, stderr } = await runToItsEnd({ ...environment(), ONCEGATE_JWT_KEYS_FILE: file });
  expect([code, stderr]).toEqual([1, expect.stringContaining("ONCEGATE_JWT_KEYS_FILE holds no JWK Set")]);
});
