import { parseArgs } from "node:util";
import { z } from "zod";
import { askAdmin } from "./admin-client.ts";
import { FAILED, TOLD_WRONG, reasonOf } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

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

/** `oncegate store ...`: resolves to the exit code. */
export async function store(around: Surroundings): Promise<number> {
  const asked = questionIn(around);
  if (asked === undefined) {
    around.complain(HELP);
    return TOLD_WRONG;
  }
  try {
    const document = await askAdmin(around, asked.path, asked.body);
    around.print(asked.isJson ? JSON.stringify(document, undefined, 2) : inWords(Told.parse(document)));
    return 0;
  } catch (error) {
    around.complain(`oncegate store: ${reasonOf(error)}`);
    return FAILED;
  }
}

type Question = { path: string; body?: { by: string; why: string }; isJson: boolean };

/** Undefined where it cannot be meant. */
function questionIn({ args, env }: Surroundings): Question | undefined {
  try {
    const { positionals, values } = parseArgs({ args: args.slice(1), options: OPTIONS, allowPositionals: true });
    const { why, by = env["USER"] ?? "operator", json: isJson = false } = values;
    if (positionals.length !== 1) return undefined;
    if (positionals[0] === "status" && why === undefined) return { path: "/store", isJson };
    if (positionals[0] !== "accept-loss" || why === undefined) return undefined;
    return { path: "/store/loss-acceptance", body: { by, why }, isJson };
  } catch {
    return undefined;
  }
}

function inWords({ store: standing, id, why }: z.infer<typeof Told>): string {
  return [`store ${id ?? "without an id"}  ${standing}`, `  ${why ?? WORDS[standing] ?? ""}`].join("\n");
}
