import { parseArgs } from "node:util";
import { z } from "zod";
import { ask } from "./operator-command.ts";
import type { Mistyped, Question } from "./operator-command.ts";
import { reasonOf } from "../reason.ts";
import type { Surroundings } from "../surroundings.ts";

const HELP = `Usage: oncegate store status
       oncegate store accept-loss --why TEXT [--by WHO]

Asks the gateway beside it, over its admin port (ONCEGATE_ADMIN_LISTEN, ONCEGATE_ADMIN_TOKEN). Both print JSON with --json.
  status        the store's id (for ONCEGATE_STORE_ID), and whether it has all that it acknowledged
  accept-loss   operations go on, on all gateways. Retries of what was lost execute again: look into docs/loss.md first`;

const Told = z.object({ store: z.string(), id: z.string().optional(), why: z.string().optional() });
const WORDS: Record<string, string> = {
  whole: "It has all that it acknowledged, as far as the gateways can tell.",
  unseen: "It was not looked at yet.",
};

const OPTIONS = { why: { type: "string" }, by: { type: "string" }, json: { type: "boolean" } } as const;
const parse = (args: string[]) => parseArgs({ args, options: OPTIONS, allowPositionals: true });

/** `oncegate store ...`: resolves to the exit code. */
export function store(around: Surroundings): Promise<number> {
  return ask({ name: "store", help: HELP, question }, around);
}

function question({ args, env }: Surroundings): Question | Mistyped {
  let typed: ReturnType<typeof parse>;
  try {
    typed = parse(args.slice(1));
  } catch (error) {
    return { mistyped: reasonOf(error) };
  }
  const [command, ...more] = typed.positionals;
  const { why, by = env["USER"] ?? "operator", json: asJson = false } = typed.values;
  if (more.length > 0) return { mistyped: `what is "${more.join(" ")}"?` };
  switch (command) {
    case "status":
      return why === undefined ? { path: "/store", asJson, inWords } : { mistyped: "status takes no --why" };
    case "accept-loss":
      if (why === undefined) return { mistyped: "--why says what was looked at first, for the journal" };
      return { path: "/store/loss-acceptance", body: { by, why }, asJson, inWords };
    case undefined:
      return { mistyped: "say which command" };
    default:
      return { mistyped: `there is no command "${command}"` };
  }
}

function inWords(document: unknown): string {
  const { store: standing, id, why } = Told.parse(document);
  return [`store ${id ?? "without an id"}  ${standing}`, `  ${why ?? WORDS[standing] ?? ""}`].join("\n");
}
