import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

export type Printed = { readonly status: number; readonly headers: ReadonlyMap<string, string>; readonly body: string };

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

/** Performs a printed curl command as a shell would or, on a machine without curl, with fetch. */
export async function perform(command: string): Promise<Printed> {
  return hasCurl ? byShell(command) : byFetch(command);
}

async function byShell(command: string): Promise<Printed> {
  const { stdout } = await promisify(execFile)("sh", ["-c", `${command} -i -sS --max-time 20`]);
  const border = stdout.indexOf("\r\n\r\n");
  const [statusLine = "", ...fields] = stdout.slice(0, border).split("\r\n");
  const headers = new Map(fields.map((field) => nameAndValue(field)));
  return { status: Number(statusLine.split(" ")[1]), headers, body: stdout.slice(border + 4) };
}

async function byFetch(command: string): Promise<Printed> {
  const words = Array.from(command.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? "");
  const after = (option: string) => words.filter((_, index) => words[index - 1] === option);
  const url = words.find((word) => word.startsWith("http://")) ?? "";
  const data = after("-d")[0];
  const answer = await fetch(url, {
    method: data === undefined ? "GET" : "POST",
    headers: after("-H").map((field) => nameAndValue(field)),
    body: data ?? null,
    signal: AbortSignal.timeout(20_000),
  });
  return { status: answer.status, headers: new Map(answer.headers), body: await answer.text() };
}

function nameAndValue(field: string): [string, string] {
  const colon = field.indexOf(":");
  return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
}
