import { parseArgs } from "node:util";
import { duration } from "../config/values.ts";
import { loadSettings } from "../config/load.ts";
import { mistakeText } from "../config/mistakes.ts";
import { rulesOf } from "../config/rules.ts";
import type { Settings } from "../config/settings.ts";
import { contentOf } from "../config/files.ts";
import { jwtClaims } from "../domain/authorization.ts";
import type { HeaderValues } from "../domain/key.ts";
import { scopeHashOf, nameOf } from "../domain/key.ts";
import type { Name } from "../domain/record.ts";
import { reconcile as compare } from "../domain/reconciliation.ts";
import type { Listing } from "../domain/reconciliation.ts";
import type { Rule } from "../domain/rule.ts";
import { scopeOf } from "../domain/scope.ts";
import { openStoreOf } from "../foundations.ts";
import { reasonOf } from "../reason.ts";
import { Keyring } from "../store/keyring.ts";
import { NameSecret } from "../store/name-secret.ts";
import { FAILED, TOLD_WRONG } from "../surroundings.ts";
import type { Surroundings } from "../surroundings.ts";
import { openUpstream } from "../upstream/execute.ts";
import { pull } from "./pull.ts";
import { remembered } from "./remembered.ts";
import { reportOf, tableOf } from "./report.ts";

const HELP = `Usage: oncegate reconcile --header "Authorization: ..." [--from 24h] [--rule NAME] [--all-scopes] [--json]

Lists the API's recent invoices as the rule says (its field reconcile, docs/rules.md) and compares them with the gateway's records:
invoices of one organisation that have the same number, operations that were answered as made and have no invoice, and operations
whose outcome nobody knows. Voids nothing: it prints the request that would. Settings are those of the gateway, whose store it reads.
  --from 24h       how far back; records live as long as their retention
  --header LINE    sent with each request for the list, or @FILE with such lines; of the same scope are the records that are compared
  --rule NAME      the rule, where several have reconcile
  --all-scopes     the list is everybody's: compare the records of all scopes
  --json           the same as JSON
Exit code 0: nothing was found, 1: it could not be done, 2: it was told something wrong, 3: something was found.`;

/** Exit code where there is something that a person has to look at. */
const FOUND = 3;

const OPTIONS = {
  from: { type: "string", default: "24h" },
  header: { type: "string", multiple: true, default: [] as string[] },
  rule: { type: "string" },
  "all-scopes": { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** What was typed cannot be meant, or what was configured is wrong. */
class Mistyped extends Error {}

/** `oncegate reconcile ...`: resolves to the exit code. */
export async function reconcile(around: Surroundings): Promise<number> {
  try {
    const asked = askedFor(around);
    if (asked === "help") {
      around.print(HELP);
      return 0;
    }
    const report = await compared(asked, around);
    around.print(asked.asJson ? JSON.stringify(report, undefined, 2) : tableOf(report));
    return report.duplicates.length + report.withoutInvoice.length + report.unknown.length > 0 ? FOUND : 0;
  } catch (error) {
    around.complain(`oncegate reconcile: ${reasonOf(error)}`);
    return error instanceof Mistyped ? TOLD_WRONG : FAILED;
  }
}

type Asked = {
  settings: Settings;
  rule: Rule;
  listing: Listing;
  from: Date;
  /** Name, value, name, value, ... */
  headers: string[];
  isOfAllScopes: boolean;
  asJson: boolean;
};

function askedFor(around: Surroundings): Asked | "help" {
  const { values } = typed(around.args.slice(1));
  if (values.help) return "help";
  const back = duration("1m", "365d").safeParse(values.from);
  if (!back.success) throw new Mistyped(`--from ${back.error.issues[0]?.message}`);
  const loaded = loadSettings(around.env, around.readFile);
  if (loaded.kind === "refused") throw new Mistyped(loaded.message);
  const ruled = rulesOf(loaded.settings, around);
  if (ruled.kind === "refused") throw new Mistyped(ruled.mistakes.map(mistakeText).join("\n"));
  const able = ruled.rules.filter(
    ({ listing, name }) => listing !== undefined && [name, undefined].includes(values.rule),
  );
  const [rule, another] = able;
  if (rule?.listing === undefined) throw new Mistyped("no rule says how the API lists its invoices (reconcile)");
  if (another !== undefined)
    throw new Mistyped(`several rules do: say --rule ${able.map(({ name }) => name).join(" or ")}`);
  return {
    settings: loaded.settings,
    rule,
    listing: rule.listing,
    from: new Date(Date.now() - back.data),
    headers: values.header.flatMap((line) => headersIn(line, around)),
    isOfAllScopes: values["all-scopes"],
    asJson: values.json,
  };
}

function typed(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS });
  } catch (error) {
    throw new Mistyped(`${reasonOf(error)}\n\n${HELP}`);
  }
}

function headersIn(line: string, { readFile }: Surroundings): string[] {
  const lines = line.startsWith("@") ? readFile(line.slice(1)).split(/\r?\n/).filter(Boolean) : [line];
  return lines.flatMap((one) => {
    const [, name, value] = /^([^\s:]+):\s*(.*?)\s*$/.exec(one) ?? [];
    if (name === undefined || value === undefined) throw new Mistyped('--header is written "Name: value"');
    return [name, value];
  });
}

async function compared({ settings, rule, listing, from, headers, isOfAllScopes }: Asked, around: Surroundings) {
  const upstream = openUpstream({
    url: settings.ONCEGATE_UPSTREAM_URL,
    ca: contentOf("ONCEGATE_UPSTREAM_CA_FILE", settings, around.readFile),
    connectTimeoutMs: settings.ONCEGATE_CONNECT_TIMEOUT,
    timeoutMs: settings.ONCEGATE_UPSTREAM_TIMEOUT,
    keepBytes: settings.ONCEGATE_MAX_STORED_RESPONSE,
  });
  const store = await openStoreOf(settings, around);
  try {
    const keyring = new Keyring(settings.ONCEGATE_ENCRYPTION_KEYS);
    const naming = await new NameSecret(store, keyring, settings.ONCEGATE_NAME_SECRET).naming();
    if (naming === "store_lost") throw new Error("the store lost data: look at oncegate store status");
    const { secret } = naming;
    const isMeant = isOfAllScopes ? () => true : ofScope(scopeIn(rule, headers), secret);
    const kept = await remembered({ records: store.records, keyring }, from.getTime(), isMeant);
    const invoices = await pull(listing, from, headers, upstream); // last: what is made meanwhile is in the list at least
    return reportOf({
      rule,
      listing,
      from,
      invoices,
      kept,
      findings: compare(invoices, kept, listing),
      url: settings.ONCEGATE_UPSTREAM_URL,
    });
  } finally {
    await Promise.all([store.close(), upstream.close()]);
  }
}

function ofScope(scope: string, secret: Buffer): (name: Name) => boolean {
  const hash = scopeHashOf(nameOf(secret, scope, ""));
  return (name) => scopeHashOf(name) === hash;
}

/** Of a request that has these headers. Throws where the rule reads it from elsewhere. */
function scopeIn(rule: Rule, sent: readonly string[]): string {
  const headers: Record<string, string[]> = {};
  for (let i = 0; i < sent.length; i += 2) (headers[sent[i]!.toLowerCase()] ??= []).push(sent[i + 1]!);
  const given: HeaderValues = headers;
  const claims = () => jwtClaims(headers["authorization"]?.[0]);
  const scope = scopeOf(rule.scope, { headers: given, path: "", query: "", fields: { text: () => undefined }, claims });
  if (scope.kind === "scope") return scope.scope;
  throw new Mistyped(`these headers do not say whose records are meant (${scope.what}): add them, or say --all-scopes`);
}
