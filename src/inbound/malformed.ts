import type { Problem } from "../domain/problem.ts";

const badRequest = (what: string): Problem => ({ code: "bad-request", what });

/** What Node says of a connection, in words for its client. All else is HTTP that is malformed, and its code says how. */
const WORDS = new Map<string, Problem>([
  ["ERR_HTTP_REQUEST_TIMEOUT", badRequest("The head of the request did not arrive in time.")],
  ["HPE_HEADER_OVERFLOW", { code: "too-many-headers", what: "Target and header lines are more than 16 KB, or 1,000." }],
  ["HPE_INVALID_URL", badRequest("The target must be a path that starts with a slash, of characters that a URL has.")],
  ["HPE_PAUSED_H2_UPGRADE", badRequest("Only HTTP/1.1 and HTTP/1.0 are spoken here.")],
]);

/** Undefined where there is nobody to tell: the client is gone, or it opened a connection and never sent a byte (`hasSpoken`). */
export function malformation({ code, message }: NodeJS.ErrnoException, hasSpoken: boolean): Problem | undefined {
  if (code === "ECONNRESET" || !hasSpoken) return undefined;
  return WORDS.get(code ?? "") ?? badRequest(`The request is not HTTP as it must be (${code ?? message}).`);
}
