import type { RedisOptions } from "ioredis";

/** Without the one option whose type ioredis's own constructor refuses under exactOptionalPropertyTypes. */
export type Options = Omit<RedisOptions, "replyMapping">;

/** An answer is waited for this long, and for what was sent to arrive; what it would have said is ambiguous from then on. */
export const ANSWER_TIMEOUT = 1_000;
/** 1 MB/s: on a slower link a large answer would be sent again and again, and everything else would wait behind it. */
export const BYTES_PER_MS = 1_000;

/** An error instead of a wait, and nothing sent twice. With ioredis's defaults an unanswered script ran again on reconnecting. */
export const SAFE: Options = {
  autoResendUnfulfilledCommands: false,
  // Without it the promise of a command that lost its connection never settles.
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  connectTimeout: ANSWER_TIMEOUT,
  socketTimeout: 3_000,
  // How long a server that does not answer keeps the socket of a connection that is given up.
  disconnectTimeout: 200,
  retryStrategy: (attempt) => Math.min(50 * attempt, 500),
  // 1: connect anew (a failover made this server a replica), but do not send the command again as 2 would.
  reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 1 : false),
  // connection.ts looks for itself, and says meanwhile what it waits for.
  enableReadyCheck: false,
  connectionName: "oncegate",
  disableClientInfo: true,
};

/** Of a place, host:port. */
export function addressOf(place: string): { host: string; port: number } {
  const colon = place.lastIndexOf(":");
  return { host: place.slice(0, colon).replaceAll(/^\[|\]$/g, ""), port: Number(place.slice(colon + 1)) };
}
