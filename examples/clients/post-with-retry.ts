import { setTimeout as sleep } from "node:timers/promises";

/** What a client may still try by itself, in front of any API: it needs no idempotency, since nothing is sent twice. */

/** Nothing can have left: the connection never stood. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

export type Patience = {
  /** At most so many tries. */
  tries?: number;
  /** No try begins later than this after the first; an answer that asks for longer is returned. */
  budgetMs?: number;
};

/**
 * POSTs, and tries again only where that cannot do anything twice: nothing was sent, or the API said 429 or 503 and when to come
 * again. Pauses of 0.5, 1, 2, 4 and 8 s, give or take a quarter, or Retry-After where that is longer. Every other answer is final;
 * so is a connection that breaks later: rejects, and whether it was executed has to be looked up, or asked for again with the
 * same Idempotency-Key where a gateway remembers.
 */
export async function postWithRetry(
  url: string,
  init: Omit<RequestInit, "method">,
  { tries = 5, budgetMs = 30_000 }: Patience = {},
): Promise<Response> {
  const startedAt = performance.now();
  for (let tried = 1; ; tried++) {
    const ended = await fetch(url, { ...init, method: "POST" }).catch((error: unknown) => neverSentOnly(error));
    const leastMs = ended instanceof Response ? welcomeInMs(ended) : 0;
    const pause = Math.max(leastMs ?? 0, Math.min(8_000, 500 * 2 ** (tried - 1)) * (0.75 + Math.random() / 2));
    const isOver = leastMs === undefined || tried === tries || performance.now() - startedAt + pause > budgetMs;
    if (isOver && ended instanceof Response) return ended;
    if (isOver) throw ended;
    if (ended instanceof Response) await ended.body?.cancel();
    await sleep(pause);
  }
}

function neverSentOnly(error: unknown): Error {
  if (Error.isError(error) && Error.isError(error.cause)) {
    const { cause } = error;
    if ("code" in cause && NEVER_SENT.has(String(cause.code))) return error;
  }
  throw error;
}

/** undefined where the answer is final. Retry-After is seconds or a date. */
function welcomeInMs({ status, headers }: Response): number | undefined {
  const after = headers.get("retry-after");
  if ((status !== 429 && status !== 503) || after === null) return undefined;
  const ms = /^\d+$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
