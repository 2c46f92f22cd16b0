import { endToEnd, valuesOf } from "./headers.ts";
import type { RawHeaders } from "./headers.ts";

/** A whole answer of the upstream: its status, end-to-end headers as sent, and body. */
export type Answer = { status: number; headers: RawHeaders; body: Uint8Array };

/** What a completed record keeps: the answer, or, where it was too large, what a client needs to find the result. */
export type Kept = ({ kind: "answer" } & Answer) | { kind: "head"; status: number; location: string | undefined };

/**
 * What of an answer is stored and replayed. Never Set-Cookie: a session handed to whoever retries would be somebody else's.
 */
export function keep(answer: Answer): Kept {
  return { kind: "answer", ...answer, headers: endToEnd(answer.headers, ["set-cookie", "set-cookie2"]) };
}

/** The answer was larger than what is stored: its status and Location are all that is kept. */
export function keepHead(status: number, headers: RawHeaders): Kept {
  return { kind: "head", status, location: valuesOf(headers, "location")[0] };
}
