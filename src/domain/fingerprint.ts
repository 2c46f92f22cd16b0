import { canonicalJson } from "./canonical-json.ts";
import type { Content } from "./content.ts";
import type { Token } from "./record.ts";
import { digest } from "./token.ts";

/** `content`: JSON by value, multipart by parts, else bytes; `bytes`: always bytes; `none`: a key alone makes a retry. */
export type FingerprintMode = "content" | "bytes" | "none";

/** Canonical JSON costs 9 µs for 400 B and 310 ms for 1 MB of `{}`: beyond this, retries must repeat the bytes. */
const MAX_CANONICAL_BYTES = 65_536;

/** Digest of method, path, query and body: tells a retry from another request that reuses the key. */
export function fingerprintOf(
  secret: Buffer,
  mode: FingerprintMode,
  request: { method: string; path: string; query: string; body: Uint8Array; content: Content },
): Token {
  if (mode === "none") return digest(secret, "fingerprint none");
  const { method, path, query } = request;
  const [reading, ...values] = mode === "content" ? comparable(request.content, request.body) : ["bytes", request.body];
  return digest(secret, `fingerprint ${reading}`, method, path, query, ...values);
}

/** How the body is compared, then its values. The first says how it was read, so that text never equals bytes by chance. */
function comparable(content: Content, body: Uint8Array): ["json" | "parts" | "bytes", ...(string | Uint8Array)[]] {
  switch (content.kind) {
    case "json": {
      const canonical = body.length <= MAX_CANONICAL_BYTES ? canonicalJson(content.text) : undefined;
      return canonical === undefined ? ["bytes", body] : ["json", canonical];
    }
    case "multipart":
      return ["parts", ...content.parts.flatMap((part) => [part.head, part.body])];
    case "form":
    case "bytes":
      return ["bytes", body];
  }
}
