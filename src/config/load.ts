import { closestMatch } from "leven";
import { settingFacts } from "./setting-facts.ts";
import { Settings } from "./settings.ts";
import type { SettingName } from "./settings.ts";
import { reasonOf } from "../reason.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** One line of the start log: `value` as written, a secret only as "(secret)". */
export type Origin = { name: SettingName; value: string; from: string };

export type Loaded = { kind: "settings"; settings: Settings; origins: Origin[] } | { kind: "refused"; message: string };

/** What Kubernetes puts into every pod's environment for a Service called oncegate. */
const KUBERNETES = /^ONCEGATE_(SERVICE_.*|PORT|PORT_.*)$/;
/** And for one called oncegate-redis or oncegate-redis-master, as charts name what comes with a release. */
const KUBERNETES_SIBLING = /^ONCEGATE_\w+_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))/;
const isInjected = (name: string, value: string | undefined): boolean =>
  KUBERNETES.test(name) || KUBERNETES_SIBLING.test(name) || /_PORT=(tcp|udp|sctp):/.test(`${name}=${value}`);

/**
 * Reads every setting from the environment. All that is wrong is said in one message, unknown names included, since a mistyped
 * name would silently leave money unprotected. An empty value counts as not given.
 */
export function loadSettings(env: Environment, readFile: (path: string) => string): Loaded {
  const facts = settingFacts();
  const given = new Map<SettingName, { text: string; from: string }>();
  const wrong: string[] = [];

  for (const { name, secret } of facts) {
    const file = env[`${name}_FILE`];
    if (env[name]) given.set(name, { text: env[name], from: name });
    if (!secret || !file) continue;
    if (env[name]) wrong.push(`${name} and ${name}_FILE are both given: give one.`);
    try {
      given.set(name, { text: readFile(file).trim(), from: `${name}_FILE` });
    } catch (error) {
      wrong.push(`${name}_FILE cannot be read: ${reasonOf(error)}`);
    }
  }
  applyAliases(env, given);
  wrong.push(...unknownNames(env, facts));
  if (env["NODE_ENV"] === "production" && !given.has("ONCEGATE_STORE"))
    wrong.push(
      "ONCEGATE_STORE must be given where NODE_ENV=production: each process with a file of its own would have a memory of its own.",
    );

  /** What was given, where no password can stand in it. */
  const repeated = (setting: PropertyKey | undefined): string => {
    const fact = facts.find(({ name, secret }) => name === setting && !secret);
    const text = fact && given.get(fact.name)?.text;
    return text === undefined || text.includes("@") ? "" : `, not "${text}"`;
  };
  const parsed = Settings.safeParse(Object.fromEntries([...given].map(([name, { text }]) => [name, text])));
  if (!parsed.success)
    for (const { path, message } of parsed.error.issues)
      wrong.push(missing(path[0], given) ?? `${String(path[0])} ${message}${repeated(path[0])}.`);
  if (!parsed.success || wrong.length > 0) return { kind: "refused", message: refusal(wrong) };

  const origins = facts.flatMap(({ name, fallback, secret }): Origin[] => {
    const source = given.get(name);
    if (source === undefined) return fallback === undefined ? [] : [{ name, value: fallback, from: "default" }];
    return [{ name, value: secret ? "(secret)" : source.text, from: source.from }];
  });
  return { kind: "settings", settings: parsed.data, origins };
}

/** PORT and REDIS_URL, which platforms set by convention. The prefixed name wins. */
function applyAliases(env: Environment, given: Map<SettingName, { text: string; from: string }>): void {
  if (env["PORT"] && !given.has("ONCEGATE_LISTEN"))
    given.set("ONCEGATE_LISTEN", { text: `0.0.0.0:${env["PORT"]}`, from: "PORT" });
  if (env["REDIS_URL"] && !given.has("ONCEGATE_STORE"))
    given.set("ONCEGATE_STORE", { text: env["REDIS_URL"], from: "REDIS_URL" });
}

function unknownNames(env: Environment, facts: readonly { name: string; secret: boolean }[]): string[] {
  const known = facts.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name]));
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith("ONCEGATE_") && !known.includes(name) && !isInjected(name, value))
    .map(([name]) => `${name} is not a setting; did you mean ${closestMatch(name, known)}?`);
}

function missing(name: PropertyKey | undefined, given: ReadonlyMap<string, unknown>): string | undefined {
  if (name !== "ONCEGATE_UPSTREAM_URL" || given.has(name)) return undefined;
  return "ONCEGATE_UPSTREAM_URL is missing: give the URL of the API behind the gateway, http://localhost:3001 for instance. To try it with a sample API: npm run demo";
}

function refusal(wrong: readonly string[]): string {
  return ["oncegate cannot start:", ...wrong.map((line) => `  - ${line}`), "All settings: docs/settings.md"].join("\n");
}
