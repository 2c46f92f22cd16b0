import { createHmac } from "node:crypto";
import type { Token } from "./record.ts";

/** 128 bits: nobody finds a second input by chance, and without the secret nobody can search for one. They are 21 characters and a part. */
const WHOLE_CHARACTERS = 21;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * The digest under which a value may be stored: HMAC-SHA256 with the name secret, so that keys, scopes, credentials and
 * bodies can be compared but never read or guessed from the store. `purpose` keeps digests of different things apart.
 *
 * Four are made for each operation: as few calls as there can be, and no buffer for what becomes text at once, are half the price.
 */
export function digest(secret: Buffer, purpose: string, ...values: readonly (string | Uint8Array)[]): Token {
  const mac = createHmac("sha256", secret);
  let text = `oncegate ${purpose}\n`;
  for (const value of values) {
    // With its length: ["ab", "c"] is not ["a", "bc"].
    if (typeof value === "string") text += `${Buffer.byteLength(value)}:${value}`;
    else {
      mac.update(`${text}${value.length}:`).update(value);
      text = "";
    }
  }
  return first128Bits(mac.update(text).digest("base64url"));
}

/** As base64url has 16 bytes: what the next character says beyond them is zero. */
function first128Bits(base64url: string): Token {
  const beyond = ALPHABET.indexOf(base64url[WHOLE_CHARACTERS]!);
  return base64url.slice(0, WHOLE_CHARACTERS) + ALPHABET[beyond & 0b110000]!;
}
