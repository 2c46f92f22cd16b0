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
 * `last`: what it was before, for a store that lost it.
 */
export async function keptNameSecret(store: Store, keyring: Keyring, last?: Buffer): Promise<Buffer> {
  const kept = await store.nameSecret(Buffer.from(keyring.seal(last ?? randomBytes(BYTES), BOUND)));
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

/** What names are made with. `isCurrent`: no other secret may stand in the store since; asked in the tick of a claim. */
export type Naming = { secret: Buffer; isCurrent: () => boolean };

/**
 * The configured secret, else the one that the store keeps. It is read again whenever the store's mark is adopted again: with it the
 * secret may have been lost, and another process may have made a new one.
 */
export class NameSecret {
  readonly #store: Store;
  readonly #keyring: Keyring;
  readonly #configured: Buffer | undefined;
  #known: { era: number; secret: Buffer } | undefined;

  constructor(store: Store, keyring: Keyring, configured: string | undefined) {
    this.#store = store;
    this.#keyring = keyring;
    this.#configured = configured === undefined ? undefined : Buffer.from(configured);
  }

  /** `store_lost`: there is none to be had before the loss is accepted. Throws StoreError while the store cannot be asked. */
  async naming(): Promise<Naming | "store_lost"> {
    const { continuity } = this.#store;
    if (this.#known?.era !== continuity.era) {
      await continuity.looked();
      const { era, standing } = continuity;
      // Another one would be made, and what is left of the records not be found any more.
      const mayBeMade = standing.kind === "whole" || this.#known !== undefined;
      if (this.#configured === undefined && !mayBeMade) return "store_lost";
      this.#known = { era, secret: this.#configured ?? (await this.#read()) };
    }
    const { era, secret } = this.#known;
    return { secret, isCurrent: () => era === continuity.era };
  }

  /** So that names stay what they are, where the store lost its secret and this process knows it. */
  async restore(): Promise<void> {
    if (this.#configured === undefined && this.#known !== undefined) await this.#read();
  }

  #read(): Promise<Buffer> {
    return keptNameSecret(this.#store, this.#keyring, this.#known?.secret);
  }
}
