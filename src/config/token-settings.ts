import type { TokenSettings } from "../tokens.ts";
import type { Settings } from "./settings.ts";

/** What the settings say of JWTs; undefined where they are only decoded. `keys`: what ONCEGATE_JWT_KEYS_FILE holds. */
export function tokenSettings(settings: Settings, keys: string | undefined): TokenSettings | undefined {
  const { ONCEGATE_JWT_SECRET: secret, ONCEGATE_JWT_KEYS_URL: url } = settings;
  const trusted =
    keys !== undefined
      ? { kind: "keys" as const, text: keys }
      : url !== undefined
        ? { kind: "url" as const, url }
        : secret !== undefined
          ? { kind: "secret" as const, secret }
          : undefined;
  if (trusted === undefined) return undefined;
  return {
    trusted,
    issuer: settings.ONCEGATE_JWT_ISSUER,
    audience: settings.ONCEGATE_JWT_AUDIENCE,
    mayLackExp: settings.ONCEGATE_JWT_WITHOUT_EXP,
  };
}
