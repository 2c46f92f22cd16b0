import { X509Certificate, createPrivateKey } from "node:crypto";
import type { SettingName, Settings } from "./settings.ts";
import { reasonOf } from "../reason.ts";

/** The settings that name files. */
export type FileSetting = Extract<SettingName, `${string}_FILE`>;

type Content = { what: string; read: (text: string) => unknown };
const CERTIFICATE: Content = { what: "certificate in PEM", read: (text) => new X509Certificate(text) };
const HOLDS: Record<FileSetting, Content> = {
  ONCEGATE_UPSTREAM_CA_FILE: CERTIFICATE,
  ONCEGATE_REDIS_CA_FILE: CERTIFICATE,
  ONCEGATE_REDIS_CERT_FILE: CERTIFICATE,
  ONCEGATE_REDIS_KEY_FILE: { what: "private key in PEM", read: createPrivateKey },
  ONCEGATE_JWT_KEYS_FILE: { what: "JWK Set", read: (text): unknown => JSON.parse(text) },
};

/**
 * The text of the file that a setting names; undefined where none is given. Throws with words for an operator where it cannot be
 * read, or holds something else: TLS would say so at the first connection, or never.
 */
export function contentOf(
  name: FileSetting,
  settings: Settings,
  readFile: (path: string) => string,
): string | undefined {
  const path = settings[name];
  if (path === undefined) return undefined;
  const text = inWords(`${name} cannot be read`, () => readFile(path));
  const { what, read } = HOLDS[name];
  inWords(`${name}=${path} has no ${what}`, () => read(text));
  return text;
}

function inWords<Result>(trouble: string, attempt: () => Result): Result {
  try {
    return attempt();
  } catch (error) {
    throw new Error(`${trouble}: ${reasonOf(error)}`, { cause: error });
  }
}
