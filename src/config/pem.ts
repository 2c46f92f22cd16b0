import { X509Certificate, createPrivateKey } from "node:crypto";
import type { SettingName, Settings } from "./settings.ts";

/** The settings that name PEM files. */
export type PemSetting = Extract<SettingName, `${string}_FILE`>;

/**
 * The text of the PEM file that a setting names; undefined where none is given. Throws with words for an operator where it cannot be
 * read, or holds something else: TLS would say so at the first connection, or never.
 */
export function pemOf(name: PemSetting, settings: Settings, readFile: (path: string) => string): string | undefined {
  const path = settings[name];
  if (path === undefined) return undefined;
  const text = inWords(`${name} cannot be read`, () => readFile(path));
  if (name === "ONCEGATE_REDIS_KEY_FILE")
    inWords(`${name}=${path} has no private key in PEM`, () => createPrivateKey(text));
  else inWords(`${name}=${path} has no certificate in PEM`, () => new X509Certificate(text));
  return text;
}

function inWords<Result>(trouble: string, attempt: () => Result): Result {
  try {
    return attempt();
  } catch (error) {
    throw new Error(`${trouble}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
