import { expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const LOG = new URL("../../src/telemetry/log.ts", import.meta.url).href;

/** Writes wait for a thread, and the only one is busy for longer than a process takes to end. */
const PROGRAM = `
  import { pbkdf2 } from "node:crypto";
  import { openLog } from "${LOG}";
  const { log, flush } = openLog("info");
  pbkdf2("busy", "", 1_000_000, 32, "sha256", () => {});
  log.info("first");
  log.info("last");
  await flush();
  process.exit();
`;

test("what was logged before the process ends is written, and in order, although the disk is slow", async () => {
  const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", PROGRAM], { env });
  const lines = stdout.trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(["first", "last"]);
});
