import { readFileSync } from "node:fs";
import { run } from "../../src/cli.ts";
import type { Ending } from "./gateway.ts";

/** A sub-command as main.ts would run it, in this process: a process of its own takes a second of a shared core. */
export async function runCommand(env: Record<string, string>, args: string[]): Promise<Ending> {
  const ending = { stdout: "", stderr: "" };
  const code = await run({
    args,
    env,
    version: "0.0.0",
    program: [process.execPath],
    readFile: (path) => readFileSync(path, "utf8"),
    print: (text) => (ending.stdout += `${text}\n`),
    complain: (text) => (ending.stderr += `${text}\n`),
    onHangup: () => {},
    nextSignal: () => new Promise(() => {}),
  });
  return { code, ...ending };
}
