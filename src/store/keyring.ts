import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { asBuffer } from "./bytes.ts";
import { StoreError } from "./records.ts";

/**
 * What sealed bytes belong to: they open for the very same purpose and identity and for no other, so that they cannot be moved
 * to another record. None of the texts has a line feed in it.
 */
export type Bound = { purpose: "answer" | "name-secret"; identity: readonly string[] };

/** For an operator. The purpose is part of what is encrypted and must stay as it is; these words need not. */
const WORDS: Record<Bound["purpose"], string> = { answer: "a stored answer", "name-secret": "the secret of names" };

/** mark, id of the key, salt, ciphertext, tag. No clear answer begins with the mark, nor does a random secret. */
const MARK = Buffer.from("sealed1:");
const KEY_ID_BYTES = 8;
/** As long as the hash (RFC 5869, section 3.1), so that no salt comes twice, however many processes draw them. */
const SALT_BYTES = 32;
const TAG_BYTES = 16;
const SALT_AT = MARK.length + KEY_ID_BYTES;
const CIPHERTEXT_AT = SALT_AT + SALT_BYTES;

const CIPHER = "aes-256-gcm";
/** Every key encrypts once: it is derived with a salt of its own. So no nonce can come twice under it, and one will do. */
const NONCE = Buffer.alloc(12);

type MasterKey = { id: string; key: KeyObject };

/**
 * How the store's secrets are encrypted: what ONCEGATE_ENCRYPTION_KEYS says. The first entry writes, all of them read; the
 * entry `clear` stands for no encryption, and is all there is where the setting is not given (docs/encryption.md).
 */
export class Keyring {
  /** Undefined: it writes clear. */
  readonly #writer: MasterKey | undefined;
  readonly #readers: readonly MasterKey[];
  readonly #readsClear: boolean;

  constructor(entries: readonly (Buffer | "clear")[] = ["clear"]) {
    this.#readers = entries.filter((entry) => entry !== "clear").map(masterKey);
    this.#writer = entries[0] === "clear" ? undefined : this.#readers[0];
    this.#readsClear = entries.includes("clear");
  }

  /** For the start log: ids tell the keys apart and say nothing about them. */
  get description(): string {
    if (this.#readers.length === 0) return "none: the store holds answers in clear";
    const writes = this.#writer === undefined ? "in clear" : `with key ${this.#writer.id}`;
    const reads = [...this.#readers.map(({ id }) => id), ...(this.#readsClear ? ["clear"] : [])];
    return `AES-256-GCM: writes ${writes}, reads ${reads.join(", ")}`;
  }

  /** AES-256-GCM under a new key derived from the writing one; the same bytes where it writes clear. */
  seal(bytes: Uint8Array, bound: Bound): Uint8Array {
    if (this.#writer === undefined) return bytes;
    const salt = randomBytes(SALT_BYTES);
    const cipher = createCipheriv(CIPHER, derived(this.#writer.key, salt), NONCE, { authTagLength: TAG_BYTES });
    const ciphertext = cipher.setAAD(associatedData(bound)).update(bytes);
    cipher.final();
    return Buffer.concat([MARK, Buffer.from(this.#writer.id, "hex"), salt, ciphertext, cipher.getAuthTag()]);
  }

  /** Throws StoreError where it is not what `seal` made for this very purpose and identity, or its key is not at hand. */
  open(sealed: Uint8Array, bound: Bound): Uint8Array {
    const bytes = asBuffer(sealed);
    if (!isSealed(bytes)) {
      if (this.#readsClear) return sealed;
      throw unreadable(bound, "is not encrypted, and ONCEGATE_ENCRYPTION_KEYS does not list clear");
    }
    if (bytes.length < CIPHERTEXT_AT + TAG_BYTES) throw unreadable(bound, "is cut");
    const id = bytes.toString("hex", MARK.length, SALT_AT);
    const reader = this.#readers.find((key) => key.id === id);
    if (reader === undefined)
      throw unreadable(bound, `is encrypted with key ${id}, which ONCEGATE_ENCRYPTION_KEYS does not list`);
    const key = derived(reader.key, bytes.subarray(SALT_AT, CIPHERTEXT_AT));
    const decipher = createDecipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES });
    decipher.setAAD(associatedData(bound)).setAuthTag(bytes.subarray(-TAG_BYTES));
    const clear = decipher.update(bytes.subarray(CIPHERTEXT_AT, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      throw unreadable(bound, `was cut, changed or moved here: key ${id} does not open it`);
    }
    return clear;
  }

  /** Whether `seal` would write it in the same way today. */
  isCurrent(sealed: Uint8Array): boolean {
    const bytes = asBuffer(sealed);
    if (!isSealed(bytes)) return this.#writer === undefined;
    return bytes.toString("hex", MARK.length, SALT_AT) === this.#writer?.id;
  }
}

function masterKey(bytes: Buffer): MasterKey {
  const key = createSecretKey(bytes);
  const id = Buffer.from(hkdfSync("sha256", key, "", "oncegate key id", KEY_ID_BYTES)).toString("hex");
  return { id, key };
}

function derived(key: KeyObject, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", key, salt, "oncegate sealed1", 32));
}

function associatedData({ purpose, identity }: Bound): Buffer {
  return Buffer.from([purpose, ...identity].join("\n"));
}

function isSealed(bytes: Buffer): boolean {
  return bytes.subarray(0, MARK.length).equals(MARK);
}

function unreadable({ purpose }: Bound, why: string): StoreError {
  return new StoreError("unsent", `${WORDS[purpose]} ${why}`);
}
