import { createHmac } from "node:crypto";
import { expect, test } from "@jest/globals";
import { digest } from "../../src/domain/token.ts";

const SECRET = Buffer.alloc(32, 7);

/** The first 16 bytes of the HMAC of the purpose and of each value behind its length. */
function asWritten(purpose: string, values: (string | Buffer)[]): string {
  const parts = values.flatMap((value) => [`${Buffer.byteLength(value)}:`, value]);
  const whole = Buffer.concat([`oncegate ${purpose}\n`, ...parts].map((part) => Buffer.from(part)));
  return createHmac("sha256", SECRET).update(whole).digest().subarray(0, 16).toString("base64url");
}

test("is the same 16 bytes for text and for bytes, wherever they stand, in the only spelling they have", () => {
  for (let i = 0; i < 200; i++) {
    const values = ["Jörg", Buffer.from([i, 255, 0]), "", Buffer.alloc(0), `${i}`].slice(i % 4);
    const token = digest(SECRET, "scope", ...values);
    expect(token).toBe(asWritten("scope", values));
    expect(Buffer.from(token, "base64url").toString("base64url")).toBe(token);
  }
});
