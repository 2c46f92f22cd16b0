import { describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { Keyring } from "../../src/store/keyring.ts";
import type { Bound } from "../../src/store/keyring.ts";
import { StoreError } from "../../src/store/records.ts";

const [A, B] = [randomBytes(32), randomBytes(32)];
const HERE: Bound = { purpose: "answer", identity: ["name", "owner", "fingerprint", "credential"] };
const CLEAR = Buffer.from("a customer's invoice");
/** mark, id, salt and tag around the ciphertext. */
const OVERHEAD = 8 + 8 + 32 + 16;

const opened = (keyring: Keyring, sealed: Uint8Array, bound = HERE): string => {
  try {
    return Buffer.from(keyring.open(sealed, bound)).toString();
  } catch (error) {
    if (error instanceof StoreError && error.fate === "unsent") return `refused: ${error.message}`;
    throw error;
  }
};

describe("a keyring", () => {
  test.each([
    ["nothing", Buffer.alloc(0)],
    ["a short text", CLEAR],
    ["what looks sealed already", new Keyring([A]).seal(CLEAR, HERE)],
    ["10 MB", randomBytes(10_485_760)],
  ])("opens what it sealed: %s", (_what, bytes) => {
    const keyring = new Keyring([A]);
    const sealed = keyring.seal(bytes, HERE);
    expect(sealed.length).toBe(bytes.length + OVERHEAD);
    expect(Buffer.from(keyring.open(sealed, HERE)).equals(Buffer.from(bytes))).toBe(true);
  });

  test("seals the same text differently every time, and shows nothing of it", () => {
    const keyring = new Keyring([A]);
    const sealed = Array.from({ length: 200 }, () => Buffer.from(keyring.seal(CLEAR, HERE)).subarray(16));
    expect(new Set(sealed.map((bytes) => bytes.toString("hex", 0, 32))).size).toBe(200);
    expect(new Set(sealed.map((bytes) => bytes.toString("hex", 32))).size).toBe(200);
    expect(sealed.filter((bytes) => bytes.includes(CLEAR.subarray(0, 4)))).toEqual([]);
  });

  test("writes with its first key and reads with all", () => {
    const old = new Keyring([A]).seal(CLEAR, HERE);
    const rotated = new Keyring([B, A]);
    const late = rotated.seal(CLEAR, HERE);
    expect([opened(rotated, old), opened(rotated, late)]).toEqual([CLEAR.toString(), CLEAR.toString()]);
    expect(opened(new Keyring([B]), late)).toBe(CLEAR.toString());
    expect(opened(new Keyring([B]), old)).toMatch(/^refused: .*with key [\da-f]{16}, which .* does not list$/);
    expect(opened(new Keyring([A, B]), late)).toBe(CLEAR.toString());
    expect([rotated.isCurrent(old), rotated.isCurrent(late)]).toEqual([false, true]);
  });

  test("knows a key by what it is, wherever it stands in the list", () => {
    expect(new Keyring([A, B]).description).toMatch(
      /^AES-256-GCM: writes with key ([\da-f]{16}), reads \1, [\da-f]{16}$/,
    );
    const [one, two] = [new Keyring([A]).description, new Keyring([A, B]).description];
    expect(two.startsWith(one)).toBe(true);
    for (const text of ["hex", "base64", "latin1"] as const) expect(two).not.toContain(A.toString(text).slice(0, 8));
  });

  test.each<[string, Bound]>([
    ["another name", { ...HERE, identity: ["other", "owner", "fingerprint", "credential"] }],
    ["another owner", { ...HERE, identity: ["name", "other", "fingerprint", "credential"] }],
    ["another request", { ...HERE, identity: ["name", "owner", "other", "credential"] }],
    ["another credential", { ...HERE, identity: ["name", "owner", "fingerprint", "other"] }],
    ["another purpose", { ...HERE, purpose: "name-secret" }],
  ])("does not open what was sealed for %s", (_what, elsewhere) => {
    const keyring = new Keyring([A]);
    expect(opened(keyring, keyring.seal(CLEAR, elsewhere))).toMatch(
      /^refused: a stored answer was cut, changed or moved/,
    );
  });

  test("opens nothing of which a bit was flipped, wherever, nor anything cut or longer", () => {
    const keyring = new Keyring([A, B]);
    const sealed = Buffer.from(keyring.seal(CLEAR, HERE));
    const damaged: Buffer[] = [Buffer.concat([sealed, Buffer.alloc(1)])];
    for (let length = 0; length < sealed.length; length++) damaged.push(sealed.subarray(0, length));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      damaged.push(flipped);
    }
    expect(damaged.length).toBe(1 + sealed.length * 9);
    expect(damaged.map((bytes) => opened(keyring, bytes)).filter((said) => !said.startsWith("refused: "))).toEqual([]);
  });

  describe("with the entry clear", () => {
    test("reads what was never encrypted, and without it refuses that", () => {
      expect(opened(new Keyring([A, "clear"]), CLEAR)).toBe(CLEAR.toString());
      expect(opened(new Keyring([A]), CLEAR)).toBe(
        "refused: a stored answer is not encrypted, and ONCEGATE_ENCRYPTION_KEYS does not list clear",
      );
    });

    test("at first place writes clear and still reads its keys", () => {
      const keyring = new Keyring(["clear", A]);
      const sealed = new Keyring([A]).seal(CLEAR, HERE);
      expect(keyring.seal(CLEAR, HERE)).toEqual(CLEAR);
      expect(opened(keyring, sealed)).toBe(CLEAR.toString());
      expect([keyring.isCurrent(CLEAR), keyring.isCurrent(sealed)]).toEqual([true, false]);
      expect(keyring.description).toMatch(/^AES-256-GCM: writes in clear, reads [\da-f]{16}, clear$/);
    });

    test("alone, as without a setting, knows what is encrypted and does not take it for clear", () => {
      const keyring = new Keyring();
      expect(opened(keyring, new Keyring([A]).seal(CLEAR, HERE))).toMatch(/^refused: .* is encrypted with key/);
      expect(opened(keyring, keyring.seal(CLEAR, HERE))).toBe(CLEAR.toString());
      expect(keyring.description).toMatch(/^none/);
    });
  });
});
