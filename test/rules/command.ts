import { run } from "../../src/cli.ts";

const RULES = `
version: 1
rules:
  - name: create
    match: { path: /api/**, body: { request: saveSalesDocument }, bodyAbsent: [id] }
    key: { from: ["header:x-key", "body:temporaryUUID"], pattern: "[a-z0-9-]+" }
    scope: ["body:clientCode"]
    fingerprint: { ignore: ["body:sessionKey"] }
    onCompleted: reject
    onInFlight: { wait: 10s }
  - name: orders
    match: { path: /orders }
    key: { required: true }
    schema: { type: object, required: [total] }
  - name: invoices
    match: { path: /invoices }
    probe: { request: { path: "/invoices?q={body:number}" }, found: /data, equals: { /number: "body:number" }, since: /at, absent: [404] }
`;
export type Told = { code: number; said: string[]; complained: string[] };

/** A command as an operator types it, beside these rules or the ones in `files`. */
export async function oncegate(
  args: string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): Promise<Told> {
  const told: Told = { code: 0, said: [], complained: [] };
  told.code = await run({
    args,
    env: { ONCEGATE_UPSTREAM_URL: "http://127.0.0.1:1", ONCEGATE_RULES: "rules.yaml", ...env },
    version: "0",
    readFile: (path) => {
      const text = { "rules.yaml": RULES, ...files }[path];
      if (text === undefined) throw new Error(`ENOENT: ${path}`);
      return text;
    },
    print: (text) => told.said.push(...text.split("\n")),
    complain: (text) => told.complained.push(...text.split("\n")),
    nextSignal: () => new Promise(() => {}),
    onHangup: () => {},
    program: ["none"],
  });
  return told;
}
