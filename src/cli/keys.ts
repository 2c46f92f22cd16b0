import { parseArgs } from "node:util";
import { z } from "zod";
import { ask } from "./operator-command.ts";
import type { Mistyped, Question } from "./operator-command.ts";
import { reasonOf } from "../reason.ts";
import type { Surroundings } from "../surroundings.ts";

const HELP = `Usage: oncegate keys list [--state unknown|executing] [--limit N]
       oncegate keys show NAME | KEY-HASH | --client-key KEY
       oncegate keys resolve NAME --owner OWNER --why TEXT [--by WHO] --not-executed
       oncegate keys resolve NAME --owner OWNER --why TEXT [--by WHO] --executed
                             [--status N [--header "Name: value"]... [--body TEXT|@FILE]]
       oncegate keys journal [--limit N]

Asks the gateway beside it, over its admin port (ONCEGATE_ADMIN_LISTEN, ONCEGATE_ADMIN_TOKEN). All print JSON with --json.
  resolve says what became of an unknown operation, as seen in the API; NAME and OWNER are in list and show, KEY-HASH in the log.
  --executed       retries get the answer given here, or 409 already-completed without one
  --not-executed   frees the key. Said twice: the API may still be working on it at the first look`;

const RecordShown = z.object({
  name: z.string(),
  key: z.string(),
  state: z.string(),
  owner: z.string(),
  startedAt: z.string(),
  why: z.string().optional(),
  kept: z.enum(["answer", "operator-answer", "head", "executed"]).optional(),
  status: z.number().optional(),
});
const Records = z.object({ records: z.array(RecordShown) });
const Journal = z.object({ entries: z.array(z.unknown()) });
const Outcome = z.object({ outcome: z.string(), what: z.string().optional(), inSeconds: z.number().optional() });

const OPTIONS = {
  state: { type: "string" },
  limit: { type: "string" },
  "client-key": { type: "string" },
  owner: { type: "string" },
  by: { type: "string" },
  why: { type: "string" },
  reason: { type: "string" }, // another word for --why
  executed: { type: "boolean" },
  "not-executed": { type: "boolean" },
  status: { type: "string" },
  header: { type: "string", multiple: true },
  body: { type: "string" },
  json: { type: "boolean" },
} as const;
type Options = ReturnType<typeof parse>["values"];
const parse = (args: string[]) => parseArgs({ args, options: OPTIONS, allowPositionals: true });

/** `oncegate keys ...`: resolves to the exit code. */
export function keys(around: Surroundings): Promise<number> {
  return ask({ name: "keys", help: HELP, question }, around);
}

const KEY_HASH = /^[\w-]{22}$/;
const NAME = /^[\w-]{22}\.[\w-]{22}$/;
/** One in 64 names and hashes begins with a dash, and would be taken for options. */
const DASHED = /^-[^-][\w-]{20}(\.[\w-]{22})?$/;

function question(around: Surroundings): Question | Mistyped {
  const args = around.args.slice(1);
  let typed: ReturnType<typeof parse>;
  try {
    typed = parse([...args.filter((arg) => !DASHED.test(arg)), "--", ...args.filter((arg) => DASHED.test(arg))]);
  } catch (error) {
    return { mistyped: reasonOf(error) };
  }
  const [command, subject = ""] = typed.positionals;
  const { state = "unknown", limit = "100", "client-key": clientKey, json: asJson = false } = typed.values;
  const noName = { mistyped: "say which record: a NAME as oncegate keys list prints it" };
  switch (command) {
    case "list":
      return { path: `/records${query({ state, limit })}`, asJson, inWords: table };
    case "show":
      if (clientKey !== undefined) return { path: `/records${query({ clientKey })}`, asJson, inWords: table };
      if (KEY_HASH.test(subject)) return { path: `/records${query({ keyHash: subject })}`, asJson, inWords: table };
      if (!NAME.test(subject)) return noName;
      return { path: `/records/${subject}`, asJson, inWords: (record) => table({ records: [record] }) };
    case "journal":
      return { path: `/journal${query({ limit })}`, asJson, inWords: lines };
    case "resolve": {
      if (!NAME.test(subject)) return noName;
      const body = resolutionOf(typed.values, around);
      return "mistyped" in body ? body : { path: `/records/${subject}/resolution`, body, asJson, inWords: outcome };
    }
    case undefined:
      return { mistyped: "say which command" };
    default:
      return { mistyped: `there is no command "${command}"` };
  }
}

function query(fields: Record<string, string>): string {
  return `?${new URLSearchParams(fields).toString()}`;
}

function resolutionOf(options: Options, { env, readFile }: Surroundings): object | Mistyped {
  const { owner, why = options.reason, executed = false, status, header = [], body = "" } = options;
  if (owner === undefined) return { mistyped: "--owner says which attempt was judged: see oncegate keys show" };
  if (why === undefined) return { mistyped: "--why says what was seen in the API, for the journal" };
  if (executed === (options["not-executed"] ?? false)) return { mistyped: "say --executed or --not-executed" };
  const said = { owner, why, by: options.by ?? env["USER"] ?? "operator" };
  if (!executed) return { ...said, verdict: "not-executed" };
  if (status === undefined) return { ...said, verdict: "executed" };
  const text = body.startsWith("@") ? readFile(body.slice(1)) : body;
  if (text.includes("\uFFFD"))
    return { mistyped: "--body must be text: other bytes would not be replayed as they are" };
  const headers = header.map((line) => /^([^:]+):\s*(.*?)\s*$/.exec(line)?.slice(1) ?? []);
  if (headers.some((pair) => pair.length === 0)) return { mistyped: '--header is written "Name: value"' };
  if (isJson(text) && !headers.some(([name]) => name?.toLowerCase() === "content-type"))
    headers.push(["Content-Type", "application/json"]);
  const bodyBase64 = Buffer.from(text).toString("base64");
  return { ...said, verdict: "executed", answer: { status: Number(status), headers, bodyBase64 } };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function outcome(document: unknown): string {
  const { outcome: said, what, inSeconds } = Outcome.parse(document);
  return inSeconds === undefined ? said : `${said} in ${inSeconds} s. ${what}`;
}

function lines(document: unknown): string {
  return Journal.parse(document)
    .entries.map((entry) => JSON.stringify(entry))
    .join("\n");
}

function table(document: unknown): string {
  const { records } = Records.parse(document);
  if (records.length === 0) return "No such record stands.";
  return records
    .flatMap(({ name, state, owner, startedAt, why, ...kept }) => [
      `${name}  ${state}`,
      `  since ${startedAt}  owner ${owner}`,
      ...[why ?? keptInWords(kept)].filter((line) => line !== undefined).map((line) => `  ${line}`),
    ])
    .join("\n");
}

/** What a completed record answers to retries. */
function keptInWords({ kept, status }: Pick<z.infer<typeof RecordShown>, "kept" | "status">): string | undefined {
  switch (kept) {
    case undefined:
      return undefined;
    case "answer":
      return `retries get the API's answer, ${status}`;
    case "operator-answer":
      return `retries get the answer that an operator gave, ${status}`;
    case "head":
      return `retries get 409 response-not-kept: the API's answer, ${status}, was too large`;
    case "executed":
      return "retries get 409 already-completed";
  }
}
