import { parseArgs } from "node:util";
import { z } from "zod";
import { askAdmin } from "./admin-client.ts";
import { FAILED, TOLD_WRONG, reasonOf } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

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

const RecordShown = z.looseObject({
  name: z.string(),
  key: z.string(),
  state: z.string(),
  owner: z.string(),
  startedAt: z.string(),
  why: z.string().optional(),
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

/** What the operator typed cannot be meant. */
class Mistyped extends Error {}

/** `oncegate keys ...`: resolves to the exit code. */
export async function keys(around: Surroundings): Promise<number> {
  try {
    const { positionals, values: options } = read(around.args.slice(1));
    const [command = "", subject = ""] = positionals;
    const { path, body, inWords } = question(command, subject, options, around);
    const document = await askAdmin(around, path, body);
    around.print(options.json === true ? JSON.stringify(document, undefined, 2) : inWords(document));
    return 0;
  } catch (error) {
    if (error instanceof Mistyped) {
      around.complain(`oncegate keys: ${error.message}\n\n${HELP}`);
      return TOLD_WRONG;
    }
    around.complain(`oncegate keys: ${reasonOf(error)}`);
    return FAILED;
  }
}

function read(args: string[]): ReturnType<typeof parse> {
  try {
    return parse(args);
  } catch (error) {
    throw new Mistyped(reasonOf(error));
  }
}

/** What the admin port is asked, and how its answer is told. */
type Question = { path: string; body?: unknown; inWords: (document: unknown) => string };

function question(command: string, subject: string, options: Options, around: Surroundings): Question {
  const { state = "unknown", limit = "100", "client-key": clientKey } = options;
  switch (command) {
    case "list":
      return { path: `/records${query({ state, limit })}`, inWords: (listed) => table(Records.parse(listed).records) };
    case "show":
      if (clientKey !== undefined)
        return { path: `/records${query({ clientKey })}`, inWords: (found) => table(Records.parse(found).records) };
      if (KEY_HASH.test(subject))
        return {
          path: `/records${query({ keyHash: subject })}`,
          inWords: (found) => table(Records.parse(found).records),
        };
      return { path: `/records/${nameIn(subject)}`, inWords: (record) => table([RecordShown.parse(record)]) };
    case "journal":
      return { path: `/journal${query({ limit })}`, inWords: (journal) => lines(Journal.parse(journal).entries) };
    case "resolve":
      return {
        path: `/records/${nameIn(subject)}/resolution`,
        body: resolutionOf(options, around),
        inWords: (said) => {
          const { outcome, what, inSeconds } = Outcome.parse(said);
          return inSeconds === undefined ? outcome : `${outcome} in ${inSeconds} s. ${what}`;
        },
      };
    default:
      throw new Mistyped(command === "" ? "say which command" : `there is no command "${command}"`);
  }
}

const KEY_HASH = /^[\w-]{22}$/;
const NAME = /^[\w-]{22}\.[\w-]{22}$/;

function nameIn(subject: string): string {
  if (NAME.test(subject)) return subject;
  throw new Mistyped("say which record: a NAME as oncegate keys list prints it");
}

function query(fields: Record<string, string>): string {
  return `?${new URLSearchParams(fields).toString()}`;
}

function resolutionOf(options: Options, { env, readFile }: Surroundings): unknown {
  const { owner, why = options.reason, executed = false, status, header = [], body = "" } = options;
  if (owner === undefined) throw new Mistyped("--owner says which attempt was judged: see oncegate keys show");
  if (why === undefined) throw new Mistyped("--why says what was seen in the API, for the journal");
  if (executed === (options["not-executed"] ?? false)) throw new Mistyped("say --executed or --not-executed");
  const said = { owner, why, by: options.by ?? env["USER"] ?? "operator" };
  if (!executed) return { ...said, verdict: "not-executed" };
  if (status === undefined) return { ...said, verdict: "executed" };
  const bytes = body.startsWith("@") ? readFile(body.slice(1)) : body;
  const headers = header.map((line) => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Mistyped(`--header is written "Name: value"`);
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  if (isJson(bytes) && !headers.some(([name]) => name?.toLowerCase() === "content-type"))
    headers.push(["Content-Type", "application/json"]);
  const bodyBase64 = Buffer.from(bytes).toString("base64");
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

function lines(entries: readonly unknown[]): string {
  return entries.map((entry) => JSON.stringify(entry)).join("\n");
}

function table(records: z.infer<typeof RecordShown>[]): string {
  if (records.length === 0) return "No such record stands.";
  return records
    .map(({ name, state, owner, startedAt, why }) =>
      [`${name}  ${state}`, `  since ${startedAt}  owner ${owner}`, ...(why === undefined ? [] : [`  ${why}`])].join(
        "\n",
      ),
    )
    .join("\n");
}
