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

const FORM = /^([a-z][a-z+]*):\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^@/?#]+)(?:\/([^?#]*))?$/i;
const HOST = /^(\[[\da-f:.]+\]|[^:,[\]\s]+)(?::(\d+))?$/i;

/** What is not part of the URL. Files are given by their content. */
export type Access = {
  /** So that the URL need not be a secret. */
  password?: string | undefined;
  ca?: string | undefined;
  /** For a server that asks its clients for one, as Redis does unless told otherwise. */
  cert?: string | undefined;
  key?: string | undefined;
};

/**
 * By hand, because ioredis lets a URL's query part override the options above. Throws on a URL that cannot be used, without
 * repeating it: it may hold a password.
 */
export function serverOf(url: string, access: Access = {}): Server {
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
  const [, , username = "", password = "", host = "", db = ""] = match ?? [];
  if (!match || !HOST.test(host) || !/^\d*$/.test(db)) throw new Error(`Not a Redis URL: ${faultOf(url)}`);
  const place = placeOf(host);
  return {
    place,
    url: `${scheme}://${place}/${Number(db)}`,
    options: {
      ...SAFE,
      ...addressOf(place),
      db: Number(db),
      ...credentials(decoded(username), decoded(password), access.password),
      ...encryption(scheme === "rediss", access),
    },
  };
}

function placeOf(text: string): string {
  const [, host = "", digits = "6379"] = HOST.exec(text) ?? [];
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw new Error("Not a Redis URL: the port is not between 1 and 65535");
  return `${host}:${port}`;
}

function addressOf(place: string): { host: string; port: number } {
  const colon = place.lastIndexOf(":");
  return { host: place.slice(0, colon).replaceAll(/^\[|\]$/g, ""), port: Number(place.slice(colon + 1)) };
}

function credentials(username: string, inUrl: string, apart: string | undefined): Options {
  if (inUrl && apart) throw new Error("The Redis URL has a password and ONCEGATE_REDIS_PASSWORD is given: give one");
  const password = inUrl || apart;
  // ioredis would send neither.
  if (username && !password)
    throw new Error("The Redis URL has a user name: give its password, or ONCEGATE_REDIS_PASSWORD");
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

function encryption(isWanted: boolean, { ca, cert, key }: Access): Options {
  if (isWanted) return { tls: { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) } };
  if (ca ?? cert ?? key) throw new Error("The Redis URL is one without TLS, but TLS files are given: write rediss");
  return {};
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
