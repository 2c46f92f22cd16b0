import { StoreError } from "../records.ts";
import { URL_OF_MODE } from "./greeting.ts";

/**
 * What Redis refuses before it runs anything, by the first word of its reply. What a script meets while it runs carries the
 * same words, but names the script as well.
 */
const REFUSALS: Record<string, string> = {
  NOAUTH: "asks for a password",
  WRONGPASS: "refuses the user name or password",
  NOPERM: "does not permit this user what Oncegate needs",
  DENIED: "is in protected mode and refuses other machines",
  LOADING: "is still loading its data",
  READONLY: "is a read-only replica",
  MASTERDOWN: "is a replica that lost its master",
  NOREPLICAS: "has too few replicas to take a write",
  OOM: "is full",
  MISCONF: "cannot save to its disk and takes no writes",
  BUSY: "is busy with another script",
  CLUSTERDOWN: "is part of a cluster that is down",
  MOVED: "says that another server of the cluster answers",
  ASK: "says that another server of the cluster answers",
  TRYAGAIN: "is moving this record",
};

/** What Redis says with the one word ERR. */
const ERRORS: [beginning: string, inWords: string][] = [
  ["ERR max number of clients", "has no connection left (max number of clients reached)"],
  ["ERR No such master", "knows no master of that name"],
  ["ERR unknown command 'SENTINEL'", "is no Sentinel"],
  ["ERR This instance has cluster support disabled", URL_OF_MODE.standalone],
];

/** Of Node, when the connection is made or breaks. */
const BREAKS: Record<string, string> = {
  ECONNREFUSED: "refuses connections",
  ENOTFOUND: "has a host name that does not resolve",
  EAI_AGAIN: "has a host name that does not resolve now",
  ECONNRESET: "ended the connection",
  EPIPE: "ended the connection",
  ETIMEDOUT: "does not answer",
  ERR_SSL_WRONG_VERSION_NUMBER: "speaks no TLS",
};

/** Node's own (TLS, X509 certificate error codes), and of names that do not match. */
const DISTRUST = /CERT|SIGNATURE|ERR_TLS_/;

const DURING_A_SCRIPT = /\bscript: ([\da-f]{40}), on @user_script:(\d+)/;

/** What this version cannot read. Taken for absent it would execute again; nothing was written, and nothing will be by another try. */
export class UnreadableRecord extends StoreError {
  constructor() {
    super("unsent", "Redis holds a record in a format of another version of Oncegate");
  }
}

/** Another server of the cluster answers for the key; nothing was done here. */
export class Redirection extends StoreError {
  readonly to: string;
  /** Or this once (ASK), while the key's slot is being moved. */
  readonly isForGood: boolean;
  constructor(message: string, to: string, isForGood: boolean) {
    super("unsent", message);
    this.to = to;
    this.isForGood = isForGood;
  }
}

const REDIRECTION = /^(MOVED|ASK) \d+ (.*):(\d+)$/;

/**
 * Instead of ioredis's error, which must not be passed on: Redis quotes arguments in some, and they are stored answers.
 * Everything is ambiguous but what certainly never ran.
 */
export function storeError(place: string, error: unknown): StoreError {
  const message = `Redis at ${place} ${inWords(error)}`;
  const [, word, host, port] = REDIRECTION.exec(replyOf(error) ?? "") ?? [];
  if (word === undefined) return new StoreError(isUnsent(error) ? "unsent" : "ambiguous", message);
  return new Redirection(message, placeNamed(host!, port!, place), word === "MOVED");
}

/** As a server of a cluster names another. Without a host it is its own (Redis cluster specification, MOVED). */
export function placeNamed(host: string, port: string | number, by: string): string {
  if (host === "" || host === "?") return `${by.slice(0, by.lastIndexOf(":"))}:${port}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function isUnsent(error: unknown): boolean {
  const reply = replyOf(error);
  if (reply !== undefined) return wordOf(reply) in REFUSALS && !DURING_A_SCRIPT.test(reply);
  // ioredis looks at the socket before it writes the first byte, and queues nothing here (enableOfflineQueue).
  return messageOf(error).startsWith("Stream isn't writeable");
}

/** Replies are not repeated whole: some quote the command. */
export function inWords(error: unknown): string {
  const reply = replyOf(error);
  if (reply !== undefined) {
    const [, known] = ERRORS.find(([beginning]) => reply.startsWith(beginning)) ?? [];
    if (known !== undefined) return known;
    const word = wordOf(reply);
    const where = DURING_A_SCRIPT.exec(reply);
    if (where) return `failed in a script (${word}, script ${where[1]!.slice(0, 8)}, line ${where[2]})`;
    return `${REFUSALS[word] ?? "answered with an error"} (${word})`;
  }
  const message = messageOf(error);
  if (message === "Command timed out" || message.startsWith("Socket timeout")) return "does not answer";
  const code = codeOf(error);
  if (code !== undefined) return `${BREAKS[code] ?? unreached(code)} (${code})`;
  return "lost the connection";
}

function unreached(code: string): string {
  return DISTRUST.test(code) ? "has a certificate that is not trusted" : "cannot be reached";
}

/** What Redis itself said. ioredis gives these errors a name of their own. */
function replyOf(error: unknown): string | undefined {
  return Error.isError(error) && error.name === "ReplyError" ? error.message : undefined;
}

function wordOf(reply: string): string {
  return /^[A-Z]+/.exec(reply)?.[0] ?? "ERR";
}

function messageOf(error: unknown): string {
  return Error.isError(error) ? error.message : "";
}

function codeOf(error: unknown): string | undefined {
  return Error.isError(error) && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
