import { canonicalJson } from "./canonical-json.ts";
import { formFields } from "./content.ts";
import type { Content } from "./content.ts";
import type { Token } from "./record.ts";
import { digest } from "./token.ts";

/** `content`: JSON by value, multipart by parts, else bytes; `bytes`: always bytes; `none`: a key alone makes a retry. */
export type FingerprintMode = "content" | "bytes" | "none";

export type FingerprintSetting = {
  mode: FingerprintMode;
  /** What may differ between attempts: top-level fields of the body, parameters of the query. */
  ignore: { fields: readonly string[]; query: readonly string[] };
};

/** Canonical JSON costs 9 µs for 400 B and 310 ms for 1 MB of `{}`: beyond this, retries must repeat the bytes. */
const MAX_CANONICAL_BYTES = 65_536;
/** Where fields are left out there is no other way than to read it: 16 ms for an honest megabyte. */
const MAX_READ_BYTES = 1_048_576;

type Printed = { method: string; path: string; query: string; body: Uint8Array; content: Content };

/** Digest of method, path, query and body: tells a retry from another request that reuses the key. */
export function fingerprintOf(secret: Buffer, setting: FingerprintSetting, request: Printed): Token {
  if (setting.mode === "none") return digest(secret, "fingerprint none");
  const { method, path, query, reading, values } = compared(setting, request);
  return digest(secret, `fingerprint ${reading}`, method, path, query, ...values);
}

type Reading = "json" | "form" | "parts" | "bytes";
type Values = readonly (string | Uint8Array)[];

/** What two attempts must have in common, before it is digested. `reading`: how the body is compared. */
export function compared(
  { mode, ignore }: FingerprintSetting,
  { method, path, query, body, content }: Printed,
): { method: string; path: string; query: string; reading: Reading; values: Values } {
  const [reading, ...values] = mode === "content" ? comparable(content, body, ignore.fields) : ["bytes" as const, body];
  return { method, path, query: withoutPairs(query, ignore.query), reading, values };
}

/** How the body is compared, then its values. The first says how it was read, so that text never equals bytes by chance. */
function comparable(content: Content, body: Uint8Array, without: readonly string[]): [Reading, ...Values] {
  switch (content.kind) {
    case "json": {
      const isRead = body.length <= (without.length === 0 ? MAX_CANONICAL_BYTES : MAX_READ_BYTES);
      const canonical = isRead ? canonicalJson(content.text, without) : undefined;
      return canonical === undefined ? ["bytes", body] : ["json", canonical];
    }
    case "multipart": {
      const parts = content.parts.filter(({ name }) => name === undefined || !without.includes(name));
      return ["parts", ...parts.flatMap((part) => [part.head, part.body])];
    }
    case "form":
      return without.length === 0 ? ["bytes", body] : ["form", withoutPairs(content.text, without)];
    case "bytes":
      return ["bytes", body];
  }
}

/** A query or a form without the pairs of these names; the others as sent, in their order. */
function withoutPairs(text: string, names: readonly string[]): string {
  if (names.length === 0) return text;
  const kept = text.split("&").filter((pair) => {
    const [name] = formFields(pair.split("=", 1)[0]!).keys();
    return name === undefined || !names.includes(name);
  });
  return kept.join("&");
}
