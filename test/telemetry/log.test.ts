import { expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { createLog } from "../../src/telemetry/log.ts";

const [LINES, LOG] = ["lines", "log"].map((name) => new URL(`../../src/telemetry/${name}.ts`, import.meta.url).href);

const OPENING = `
  import { linesToStdout } from "${LINES}";
  import { createLog } from "${LOG}";
  const lines = linesToStdout();
  const log = createLog("info", lines);
`;
/** Writes wait for a thread, and the only one is busy for longer than a process takes to end: for 300 ms, however fast it is. */
const ENDS = `
  import { pbkdf2, pbkdf2Sync } from "node:crypto";
  ${OPENING}
  const startedAt = performance.now();
  pbkdf2Sync("busy", "", 20_000, 32, "sha256");
  const roundsOf300Ms = Math.ceil((20_000 * 300) / (performance.now() - startedAt));
  pbkdf2("busy", "", roundsOf300Ms, 32, "sha256", () => {});
  log.warn("first"); // at once: the write of what is behind it has to wait for this one
  log.info("last");
  await lines.flush();
  process.exit();
`;
/** No timer fires in it any more. */
const HANGS = `
  ${OPENING}
  log.info("first");
  log.warn("last");
  for (;;);
`;

function run(program: string, env: Record<string, string> = {}) {
  const options = { env: { ...process.env, ...env }, timeout: 20_000, killSignal: "SIGKILL" } as const;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], options);
  return { child, lines: createInterface({ input: child.stdout }) };
}

const messageOf = (line: string): string => (JSON.parse(line) as { msg: string }).msg;

test("what was logged before the process ends is written, and in order, although the disk is slow", async () => {
  const messages: string[] = [];
  for await (const line of run(ENDS, { UV_THREADPOOL_SIZE: "1" }).lines) messages.push(messageOf(line));
  expect(messages).toEqual(["first", "last"]);
});

test("a warning is written at once, behind what was logged before it", async () => {
  const { child, lines } = run(HANGS);
  const messages: string[] = [];
  try {
    for await (const line of lines) if (messages.push(messageOf(line)) === 2) break;
  } finally {
    child.kill("SIGKILL");
  }
  expect(messages).toEqual(["first", "last"]);
});

test.each([undefined, 3])("a request's line is what pino would make of it: worker %s", (worker) => {
  const written: [line: string, isUrgent: boolean][] = [];
  const log = createLog("info", { write: (...line) => void written.push(line) }, worker);
  const why = 'said "no"\n\u2028\ud800 and \u0001 é€';
  const fields = { requestId: "r", path: "/a", ms: 1.25, status: 0, rule: undefined, stored: false, storeMs: NaN, why };
  for (const level of ["info", "warn"] as const) {
    log[level](fields, "request");
    log.line(level, fields, "request");
    const [usual, quick] = written.splice(0).map(([line, isUrgent]) => [line.replace(/"time":"[^"]+Z"/, ""), isUrgent]);
    expect(quick).toEqual(usual);
    expect(quick![1]).toBe(level === "warn");
  }
});

test("a request's line is left out below the level of the log", () => {
  const levels: unknown[] = [];
  const log = createLog("warn", { write: (line) => void levels.push((JSON.parse(line) as { level: string }).level) });
  for (const level of ["info", "warn"] as const) log.line(level, { requestId: "r" }, "request");
  expect(levels).toEqual(["warn"]);
});
