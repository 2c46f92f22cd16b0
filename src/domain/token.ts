import { createHmac } from "node:crypto";
import type { Token } from "./record.ts";

/** 128 bits: nobody finds a second input by chance, and without the secret nobody can search for one. */
const BYTES = 16;

/**
 * The digest under which a value may be stored: HMAC-SHA256 with the name secret, so that keys, scopes, credentials and
 * bodies can be compared but never read or guessed from the store. `purpose` keeps digests of different things apart.
 */
export function digest(secret: Buffer, purpose: string, ...values: readonly (string | Uint8Array)[]): Token {
  const mac = createHmac("sha256", secret).update(`oncegate ${purpose}\n`);
  for (const value of values) {
    const bytes = typeof value === "string" ? Buffer.byteLength(value) : value.length;
    mac.update(`${bytes}:`).update(value); // with its length: ["ab", "c"] is not ["a", "bc"]
  }
  return mac.digest().toString("base64url", 0, BYTES);
}
