import type { ServerResponse } from "node:http";

/**
 * How long what is left of an upload is read, unused, behind an answer that came before its end. A socket that is closed with
 * unread bytes is reset, and the reset can overtake the answer (RFC 9112, section 9.6).
 */
export const LINGER_MS = 2_000;

/** Ends a response that is the last of its connection when its client has sent all, or LINGER_MS is over. */
export function endAfterUpload(res: ServerResponse): void {
  const { req } = res;
  const end = (): void => {
    clearTimeout(tooLong);
    res.end();
  };
  const tooLong = setTimeout(end, LINGER_MS);
  req.once("end", end).once("close", end).resume();
}
