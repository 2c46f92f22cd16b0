import { openRedis } from "./redis/open-redis.ts";
import type { RedisSettings } from "./redis/open-redis.ts";
import { openSqlite } from "./sqlite/open-sqlite.ts";
import type { Store } from "./records.ts";

/**
 * Opens the store that ONCEGATE_STORE names. A Redis out of reach does not fail here: the gateway starts, is not ready, and its
 * verbs throw until it is there. A file that cannot be opened does (StoreError): no waiting would mend it.
 */
export async function openStore(location: string, settings: RedisSettings): Promise<Store> {
  const file = /^sqlite:(.+)$/.exec(location)?.[1];
  return file === undefined ? openRedis(location, settings) : openSqlite({ file, pinnedId: settings.pinnedId });
}
