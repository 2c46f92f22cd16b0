import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectSecure } from "node:tls";
import { loadSettings } from "../config/load.ts";
import { mistakeText } from "../config/mistakes.ts";
import { rulesOf } from "../config/rules.ts";
import type { LoadedRules } from "../config/rules.ts";
import type { Settings } from "../config/settings.ts";
import { contentOf } from "../config/files.ts";
import { causeOf } from "./admin-client.ts";
import { openStoreOf, openTokensOf } from "../foundations.ts";
import { reasonOf } from "../reason.ts";
import { fetchKeys } from "../tokens.ts";
import { FAILED, TOLD_WRONG } from "../surroundings.ts";
import type { Surroundings } from "../surroundings.ts";

const HELP = `Usage: oncegate check [--connect]

Says all that is wrong with settings and rules, and starts nothing. With --connect it also asks whether the store can be used, the
API reached and the keys of tokens fetched; nothing is sent to the API. Exit code 0: all is well, 1: something cannot be reached, 2: something is wrong.`;

/** `oncegate check ...`: resolves to the exit code. */
export async function check(around: Surroundings): Promise<number> {
  const options = around.args.slice(1);
  if (options.some((option) => option !== "--connect")) {
    around.complain(HELP);
    return TOLD_WRONG;
  }
  const loaded = loadSettings(around.env, around.readFile);
  if (loaded.kind === "refused") around.complain(loaded.message);
  const ruled = loaded.kind === "settings" ? rulesOf(loaded.settings, around) : rulesAlone(around);
  if (ruled.kind === "refused") for (const mistake of ruled.mistakes) around.complain(mistakeText(mistake));
  if (loaded.kind === "refused" || ruled.kind === "refused") return TOLD_WRONG;
  for (const doubt of ruled.doubts) around.complain(`warning: ${mistakeText(doubt)}`);
  const { settings } = loaded;
  try {
    openTokensOf(settings, around);
    contentOf("ONCEGATE_UPSTREAM_CA_FILE", settings, around.readFile);
  } catch (error) {
    around.complain(reasonOf(error));
    return TOLD_WRONG;
  }
  around.print(`settings and rules are right: ${ruled.rules.map(({ name }) => name).join(", ")}`);
  if (!options.includes("--connect")) return 0;
  return (await connects(settings, around)) ? 0 : FAILED;
}

/** Where a setting is wrong, a mistake in the rules can be told all the same. */
function rulesAlone({ env, readFile }: Surroundings): LoadedRules {
  const few = { ONCEGATE_UPSTREAM_URL: "http://localhost", ONCEGATE_RULES: env["ONCEGATE_RULES"] };
  const loaded = loadSettings(few, readFile);
  return loaded.kind === "settings"
    ? rulesOf(loaded.settings, { readFile })
    : { kind: "rules", rules: [], doubts: [], files: {} };
}

async function connects(settings: Settings, around: Surroundings): Promise<boolean> {
  const trying: [string, () => Promise<void>][] = [
    ["the store", () => askStore(settings, around)],
    ["the API", () => reach(settings.ONCEGATE_UPSTREAM_URL, settings, around)],
  ];
  const { ONCEGATE_JWT_KEYS_URL: keys } = settings;
  if (keys !== undefined) trying.push(["the keys of tokens", () => fetchKeys(keys)]);
  let isWell = true;
  for (const [what, reached] of trying) {
    const why = await reached().then(() => undefined, causeOf);
    if (why === undefined) around.print(`${what}: reached`);
    else around.complain(`${what} cannot be reached: ${why}`);
    isWell &&= why === undefined;
  }
  return isWell;
}

async function askStore(settings: Settings, around: Surroundings): Promise<void> {
  const store = await openStoreOf(settings, around);
  try {
    await store.probe();
  } finally {
    await store.close();
  }
}

/** A connection, with TLS where the URL asks for it, and not a byte of a request. */
async function reach({ protocol, hostname, port }: URL, settings: Settings, around: Surroundings): Promise<void> {
  const host = hostname.replaceAll(/^\[|\]$/g, "");
  const ca = contentOf("ONCEGATE_UPSTREAM_CA_FILE", settings, around.readFile);
  const isSecure = protocol === "https:";
  const to = { host, port: Number(port || (isSecure ? 443 : 80)) };
  const socket = isSecure
    ? connectSecure({ ...to, servername: host, ...(ca === undefined ? {} : { ca }) })
    : connect(to);
  try {
    const signal = AbortSignal.timeout(settings.ONCEGATE_CONNECT_TIMEOUT);
    await once(socket, isSecure ? "secureConnect" : "connect", { signal });
  } finally {
    socket.destroy();
  }
}
