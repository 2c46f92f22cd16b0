import type { RedisOptions } from "ioredis";

/** Without the one option whose type ioredis's own constructor refuses under exactOptionalPropertyTypes. */
type Options = Omit<RedisOptions, "replyMapping">;

/** One Redis server, from the URL in the configuration. */
export type Server = {
  /** host:port, for messages. */
  place: string;
  /** The URL without credentials. */
  url: string;
  options: Options;
};

/** An answer is waited for this long, and for what was sent to arrive; what it would have said is ambiguous from then on. */
export const ANSWER_TIMEOUT = 1_000;
/** 1 MB/s: on a slower link a large answer would be sent again and again, and everything else would wait behind it. */
export const BYTES_PER_MS = 1_000;

/** An error instead of a wait, and nothing sent twice. With ioredis's defaults an unanswered script ran again on reconnecting. */
const SAFE: Options = {
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

const FORM = /^([a-z][a-z+]*):\/\/(?:([^:@/?#]*):([^@/?#]*)@)?(\[[\da-f:.]+\]|[^:@/?#,[\]]+)(?::(\d+))?(?:\/(\d*))?$/i;

/**
 * By hand, because ioredis lets a URL's query part override the options above. Throws on a URL that cannot be used, without
 * repeating it: it may hold a password.
 */
export function serverOf(url: string): Server {
  const match = FORM.exec(url);
  const scheme = (match?.[1] ?? url.slice(0, Math.max(0, url.indexOf(":")))).toLowerCase();
  switch (scheme) {
    case "redis":
    case "rediss":
      break;
    case "redis+sentinel":
    case "redis+cluster":
      throw new Error(`${scheme}:// is not supported yet: give a single server, redis://host:port/db`);
    default:
      throw new Error("Not a Redis URL: it begins with redis:// or rediss://");
  }
  if (!match) throw new Error(`Not a Redis URL: ${faultOf(url)}`);

  const [, , username, password, bracketed = "", digits = "6379", db = "0"] = match;
  const host = bracketed.replace(/^\[|\]$/g, "");
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw new Error("Not a Redis URL: the port is not between 1 and 65535");
  const place = `${bracketed}:${port}`;
  return {
    place,
    url: `${scheme}://${place}/${Number(db)}`,
    options: {
      ...SAFE,
      host,
      port,
      db: Number(db),
      ...(username ? { username: decoded(username) } : {}),
      ...(password ? { password: decoded(password) } : {}),
      ...(scheme === "rediss" ? { tls: {} } : {}),
    },
  };
}

function faultOf(url: string): string {
  const form = "the form is redis://user:password@host:port/db";
  if (/[?#]/.test(url)) return `${form}, without a query or fragment (in a password, write ? as %3F and # as %23)`;
  return `${form} (in a password, write @ as %40, : as %3A and / as %2F)`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error("Not a Redis URL: in the user name or password, write % as %25");
  }
}
