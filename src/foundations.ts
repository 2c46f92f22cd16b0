import { contentOf } from "./config/files.ts";
import type { Settings } from "./config/settings.ts";
import { tokenSettings } from "./config/token-settings.ts";
import { openStore } from "./store/open.ts";
import type { Store } from "./store/records.ts";
import type { Surroundings } from "./surroundings.ts";
import { openTokens } from "./tokens.ts";
import type { VerifyToken } from "./tokens.ts";

type Files = Pick<Surroundings, "readFile">;

/** The store of the settings. Throws where it certainly cannot be used; a Redis that is away is waited for elsewhere. */
export function openStoreOf(settings: Settings, files: Files): Promise<Store> {
  return openStore(settings.ONCEGATE_STORE, {
    mayEvict: settings.ONCEGATE_ALLOW_UNSAFE_STORE,
    waitReplicas: settings.ONCEGATE_REDIS_WAIT_REPLICAS,
    pinnedId: settings.ONCEGATE_STORE_ID,
    password: settings.ONCEGATE_REDIS_PASSWORD,
    ca: contentOf("ONCEGATE_REDIS_CA_FILE", settings, files.readFile),
    cert: contentOf("ONCEGATE_REDIS_CERT_FILE", settings, files.readFile),
    key: contentOf("ONCEGATE_REDIS_KEY_FILE", settings, files.readFile),
  });
}

export const openTokensOf = (settings: Settings, files: Files): VerifyToken | undefined =>
  openTokens(tokenSettings(settings, contentOf("ONCEGATE_JWT_KEYS_FILE", settings, files.readFile)));
