import { dropping, endToEnd, valueOf } from "./headers.ts";
import type { RawHeaders } from "./headers.ts";

/** A whole answer of the upstream: its status, end-to-end headers as sent, and body. */
export type Answer = { status: number; headers: RawHeaders; body: Uint8Array };

/** What a completed record keeps. */
export type Kept =
  | ({ kind: "answer" } & Answer)
  /** Said by the operator who found that it was executed. A replay says so too (DESIGN: G2). */
  | ({ kind: "operator-answer" } & Answer)
  /** Made of what a probe found in the API, and marked as such. */
  | ({ kind: "probe-answer" } & Answer)
  /** The answer was too large: what a client needs to find the result. */
  | { kind: "head"; status: number; location: string | undefined }
  /** It was found that it was executed, and nobody knows the answer. */
  | { kind: "executed" };

/** A session handed to whoever retries would be somebody else's. */
const NOT_REPLAYED = dropping(["set-cookie", "set-cookie2"]);

/** What of an answer is stored and replayed. */
export function keep(answer: Answer): Kept {
  return { kind: "answer", ...answer, headers: endToEnd(answer.headers, NOT_REPLAYED) };
}

/** The answer was larger than what is stored: its status and Location are all that is kept. */
export function keepHead(status: number, headers: RawHeaders): Kept {
  return { kind: "head", status, location: valueOf(headers, "location") };
}
