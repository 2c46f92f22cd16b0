import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fromRoot, textOf } from "./named.ts";

/** Where a session was typed. `apiUrl`: the API's own address; its GET /arrived is answered when a call is held there. */
type Place = { style: string; gatewayUrl: string; apiUrl: string; store: string };

/** What a page says was printed, and what a shell prints now; of both only what is the same at every time and place. */
export async function session({ style, gatewayUrl, apiUrl, store }: Place): Promise<{ said: string[]; now: string[] }> {
  const [, text = ""] = /```console\n([^]+?)\n```/.exec(textOf(`docs/rules/${style}.md`)) ?? [];
  const steps = text.replaceAll("2026-11-22", today()).split(/^\$ /m).slice(1).map(stepOf);
  if (steps.length < 3) throw new Error(`there is no session on the page of ${style}`);
  const commands = steps.map(({ command }) =>
    command
      .replaceAll("http://localhost:8080", gatewayUrl)
      .replace("sleep 1", `curl -so /dev/null ${apiUrl}/arrived`)
      .replace(/^cat /, "wait; cat "),
  );
  const program = 'oncegate() { "$NODE" "$MAIN" "$@"; }';
  const folder = mkdtempSync(join(tmpdir(), "oncegate-session-"));
  const { stdout } = await promisify(execFile)("sh", ["-c", [program, ...commands].join(`\nprintf '\\036'\n`)], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      NODE: process.execPath,
      MAIN: fromRoot("src/main.ts"),
      ONCEGATE_UPSTREAM_URL: apiUrl,
      ONCEGATE_STORE: store,
      ONCEGATE_RULES: fromRoot(`examples/rules/${style}.yaml`),
    },
    timeout: 55_000,
  });
  rmSync(folder, { recursive: true });
  const printed = stdout.split("\u001E").slice(1).map(asOnThePage);
  return {
    said: steps.map((step) => timeless(step.printed)),
    now: printed.map((one) => timeless(one.replaceAll(apiUrl, "http://localhost:3001"))),
  };
}

const today = (): string => new Date().toISOString().slice(0, 10);

/** A command goes on where its line ends in a backslash or the next one is set in. */
function stepOf(step: string): { command: string; printed: string } {
  const [command = ""] = /^(?:.*\\\n|.*\n(?= +\S))*.*/.exec(step) ?? [];
  return { command, printed: step.slice(command.length).trim() };
}

/** Of the head only its first line, and what the gateway says there. */
function asOnThePage(output: string): string {
  const [, status, fields = "", body = ""] = /^(HTTP\/1\.1 .*)\r\n((?:.+\r\n)*)\r\n([^]*)$/.exec(output) ?? [];
  if (status === undefined) return output.trim();
  const told = fields.split("\r\n").filter((field) => /^(?:idempot|retry-after|stripe-should-retry)/i.test(field));
  return [status, ...told, body].join("\n").trim();
}

const timeless = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g, "ID")
    .replaceAll(/(?<="requestUnixTime":)\d+/g, "TIME");
