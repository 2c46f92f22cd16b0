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
import { freePort } from "../support/redis-server.ts";
import { until } from "../support/until.ts";

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

test("a worker that starts while the file has a mistake has the rules that are in force, from the files that they were read from", async () => {
  const schema = join(folder, "schema.json");
  writeFileSync(schema, '{ "type": "object", "required": ["total"] }');
  write("schema: schema.json");
  const listen = `127.0.0.1:${await freePort()}`; // which successors of all of them take, too
  gateway = await startGatewayProcess({ ...environment(), ONCEGATE_WORKERS: "2", ONCEGATE_LISTEN: listen });
  await untilReady(gateway);
  const workers = () => gateway!.lines.filter(({ msg }) => msg === "worker started");
  await until("the line of each worker", () => workers().length === 2);
  expect((await post("k1")).code).toBe("validation-failed");

  write("onCompleted: replya");
  writeFileSync(schema, "{");
  for (const { pid } of workers()) process.kill(Number(pid), "SIGKILL");
  await until("two successors", () => workers().length === 4);
  expect((await post("k2")).code).toBe("validation-failed");

  write("onCompleted: reject");
  gateway.signal("SIGHUP");
  await gateway.logged(({ msg }) => msg === "rules loaded");
  await until("no worker has the rules before", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => post(`k3 ${i}`)));
    return answers.every(({ code }) => code !== "validation-failed");
  });
  write("onCompleted: replya");
  for (const { pid } of workers().slice(2)) process.kill(Number(pid), "SIGKILL");
  await until("their successors", () => workers().length === 6);
  expect((await post("k3 0")).code).toBe("already-completed");
  const ended = () => gateway!.lines.filter(({ msg }) => msg.startsWith("a worker ended")).length;
  await until("it is told of each", () => ended() >= 4);
  expect(ended()).toBe(4);
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
