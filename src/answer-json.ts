import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { parsedJson } from "./domain/fields.ts";
import { valuesOf } from "./domain/headers.ts";
import type { Answer } from "./domain/replay.ts";

/** What says how an operation ended is short; a document of megabytes is a result, and would hold everybody else up. */
const MAX_BYTES = 1_048_576;

type Decode = (body: Uint8Array, options: { maxOutputLength: number }) => Buffer;
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: gunzipSync,
  "x-gzip": gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** The JSON of an answer, whatever its media type says; undefined where it is none, coded in an unknown way, or larger than 1 MB. */
export function answerJson(answer: Pick<Answer, "headers" | "body">): unknown {
  const text = answerText(answer);
  return text === undefined ? undefined : parsedJson(text);
}

/** The body of an answer as text, decoded; undefined as above. */
export function answerText({ headers, body }: Pick<Answer, "headers" | "body">): string | undefined {
  const codings = valuesOf(headers, "content-encoding")
    .flatMap((value) => value.toLowerCase().split(","))
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  let plain: Uint8Array = body;
  try {
    for (const coding of codings.toReversed()) {
      const decode = DECODERS[coding];
      if (decode === undefined) return undefined;
      plain = decode(plain, { maxOutputLength: MAX_BYTES });
    }
  } catch {
    return undefined;
  }
  return plain.length > MAX_BYTES ? undefined : Buffer.from(plain).toString("utf8");
}
