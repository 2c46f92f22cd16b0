import { createHmac, randomBytes } from "node:crypto";
import { expect, test } from "@jest/globals";
import { digest } from "../../src/domain/token.ts";

const SECRET = randomBytes(32);

/** The first 16 bytes of the HMAC of the purpose and of each value behind its length. */
function asWritten(purpose: string, values: (string | Buffer)[], secret = SECRET): string {
  const parts = values.flatMap((value) => [`${Buffer.byteLength(value)}:`, value]);
  const whole = Buffer.concat([`oncegate ${purpose}\n`, ...parts].map((part) => Buffer.from(part)));
  return createHmac("sha256", secret).update(whole).digest().subarray(0, 16).toString("base64url");
}

test("is the same 16 bytes for text and for bytes, wherever they stand, in the only spelling they have", () => {
  for (let i = 0; i < 200; i++) {
    const values = ["Jörg", Buffer.from([i, 255, 0]), "", Buffer.alloc(0), `${i}`].slice(i % 4);
    const token = digest(SECRET, "scope", ...values);
    expect(token).toBe(asWritten("scope", values));
    expect(Buffer.from(token, "base64url").toString("base64url")).toBe(token);
  }
});

test("is the same for text of any length and any characters, and for secrets of any length", () => {
  const long = ["", "a", "ä".repeat(4_000), "€".repeat(4_050), "€".repeat(4_100), "\ud800 alone", "x".repeat(70_000)];
  for (const bytes of [0, 16, 32, 63, 64, 65, 200]) {
    const secret = randomBytes(bytes);
    for (const text of [...long, ...long.toReversed()])
      expect(digest(secret, "key", text)).toBe(asWritten("key", [text], secret));
  }
});
