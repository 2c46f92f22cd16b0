import { Settings } from "../config/settings.ts";
import { reasonOf } from "../reason.ts";
import type { Surroundings } from "../surroundings.ts";

/** Where the gateway beside this command has its admin port. Throws where ONCEGATE_ADMIN_LISTEN is no address. */
export function adminUrl(env: Surroundings["env"]): URL {
  const { success, data } = Settings.shape.ONCEGATE_ADMIN_LISTEN.safeParse(env["ONCEGATE_ADMIN_LISTEN"] || undefined);
  if (!success) throw new Error("ONCEGATE_ADMIN_LISTEN must be an address and a port");
  const near = data.host === "0.0.0.0" || data.host === "::" ? "127.0.0.1" : data.host;
  return new URL(`http://${near.includes(":") ? `[${near}]` : near}:${data.port}`);
}

const ANSWER_WITHIN_MS = 30_000;

/**
 * Asks the gateway as an operator: GET, or POST with `body` as JSON. Resolves to what it says; throws with words for the operator
 * where the gateway is not there or refuses.
 */
export async function askAdmin({ env, readFile }: Surroundings, path: string, body?: unknown): Promise<string> {
  const tokenFile = env["ONCEGATE_ADMIN_TOKEN_FILE"];
  const token = env["ONCEGATE_ADMIN_TOKEN"] || (tokenFile ? readFile(tokenFile).trim() : undefined);
  const url = new URL(path, adminUrl(env));
  const answer = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  }).catch((error: unknown) => {
    throw new Error(
      `no gateway answers on ${url.host} (${causeOf(error)}). Does it run, and is its ONCEGATE_ADMIN_LISTEN given here, too?`,
      { cause: error },
    );
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(whatOf(text) ?? `the gateway answered ${answer.status}`);
  return text;
}

/** Why fetch failed: by itself it says no more than that. */
export function causeOf(error: unknown): string {
  if (!Error.isError(error) || !Error.isError(error.cause)) return reasonOf(error);
  const { message, ...more } = error.cause;
  return message || ("code" in more ? String(more.code) : error.message); // for a name with several addresses only a code
}

function whatOf(text: string): string | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === "object" && document !== null && "what" in document) return String(document.what);
  } catch {
    // not the gateway's own answer
  }
  return undefined;
}
