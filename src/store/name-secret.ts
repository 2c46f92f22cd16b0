import { randomBytes } from "node:crypto";
import type { Bound, Keyring } from "./keyring.ts";
import { StoreError } from "./records.ts";
import type { Store } from "./records.ts";

const BYTES = 32;
const BOUND: Bound = { purpose: "name-secret", identity: [] };

/**
 * The secret that a store keeps for its own names, made when it is asked for the first time and the same for every process.
 * Where it does not stand there as the keyring writes today it is put there anew: so a key that was rotated out is not needed
 * for it any more. Throws StoreError where it cannot be read: with another secret every key would execute again.
 */
export async function keptNameSecret(store: Store, keyring: Keyring): Promise<Buffer> {
  const kept = await store.nameSecret(Buffer.from(keyring.seal(randomBytes(BYTES), BOUND)));
  const secret = Buffer.from(keyring.open(kept, BOUND));
  if (secret.length !== BYTES) throw new StoreError("unsent", "the secret of names is damaged");
  if (!keyring.isCurrent(kept))
    // A store that takes no writes now still serves: the next process that starts will do it.
    await store.replaceNameSecret(kept, Buffer.from(keyring.seal(secret, BOUND))).catch(storeErrorOnly);
  return secret;
}

function storeErrorOnly(error: unknown): void {
  if (!(error instanceof StoreError)) throw error;
}
