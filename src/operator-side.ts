import { createAdmin } from "./admin/admin.ts";
import type { Admin } from "./admin/admin.ts";
import { quarantineOf } from "./config/quarantine.ts";
import type { Settings } from "./config/settings.ts";
import type { Core } from "./core.ts";
import { hashOfKey } from "./domain/key.ts";
import { listening } from "./listening.ts";
import { Operator } from "./store/operator.ts";
import { StoreError } from "./store/records.ts";

export type OperatorSide = { url: string; close(): void };

/** The admin port. Rejects where it cannot be had. */
export async function openOperatorSide(
  { store, records, keyring, nameSecret, loss, ...core }: Core,
  settings: Settings,
  shown: Pick<Admin, "version" | "metrics" | "isDraining">,
): Promise<OperatorSide> {
  const operator = new Operator({
    records,
    keyring,
    journal: store.journal,
    retentionMs: settings.ONCEGATE_RETENTION,
    quarantineMs: quarantineOf(settings),
  });
  const admin = createAdmin({
    ...shown,
    probeStore: () => core.probe(),
    operator,
    loss,
    keyHashOfClientKey: async (key) => {
      const naming = await nameSecret.naming();
      if (naming === "store_lost") throw new StoreError("unsent", "the store lost the secret of names");
      return hashOfKey(naming.secret, key);
    },
    token: settings.ONCEGATE_ADMIN_TOKEN,
  });
  return {
    url: await listening(admin, "ONCEGATE_ADMIN_LISTEN", settings.ONCEGATE_ADMIN_LISTEN),
    close() {
      admin.close();
      admin.closeAllConnections();
    },
  };
}
