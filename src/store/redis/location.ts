import { credentials, tlsOptions } from "./access.ts";
import type { Access } from "./access.ts";
import { SAFE } from "./connect.ts";
import type { Options } from "./connect.ts";

/** Where Redis is, from the URL in the configuration. Places are host:port. */
export type Location = {
  /** The URL without credentials. */
  url: string;
  /** For a connection to any of its servers. */
  options: Options;
} & (
  | { kind: "single"; place: string }
  /** The Sentinels, and what they call the master. */
  | { kind: "sentinel"; places: readonly string[]; master: string }
  /** Some of the cluster's nodes; they know the others. */
  | { kind: "cluster"; places: readonly string[] }
);

/** Scheme, credentials, hosts, path. Whatever else looks like a part of a URL has no place in it. */
const FORM = /^(rediss?)(\+sentinel|\+cluster)?:\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^@/?#]+)(?:\/([^?#]*))?$/i;
const HOST = /^(\[[\da-f:.]+\]|[^:,[\]\s]+)(?::(\d+))?$/i;
const MASTER = /^([\w.-]+)(?:\/(\d*))?$/;

const FORMS = {
  "": "redis://user:password@host:port/db",
  "+sentinel": "redis+sentinel://user:password@host1:26379,host2:26379/master/db",
  "+cluster": "redis+cluster://user:password@host1:6379,host2:6379",
};

type Topology = keyof typeof FORMS;

/**
 * By hand, because ioredis lets a URL's query part override the options that keep it from sending anything twice. Throws on a URL
 * that cannot be used, without repeating it: it may hold a password.
 */
export function locate(url: string, access: Access = {}): Location {
  const topology = topologyOf(url);
  const match = FORM.exec(url);
  if (!match) throw notRedis(faultOf(url, topology));
  const [, protocol = "", , username = "", password = "", hosts = "", path = ""] = match;
  const isEncrypted = protocol.toLowerCase() === "rediss";
  const options = {
    ...SAFE,
    ...credentials(decoded(username), decoded(password), access.password),
    ...tlsOptions(isEncrypted, access),
  };
  const places = hosts.split(",").map((host) => placeIn(host, topology));
  const begin = `${protocol.toLowerCase()}${topology}://${places.join(",")}`;
  switch (topology) {
    case "": {
      if (places.length > 1 || !/^\d*$/.test(path)) throw notRedis(`the form is ${FORMS[topology]}`);
      const db = Number(path);
      return { kind: "single", place: places[0]!, url: `${begin}/${db}`, options: { ...options, db } };
    }
    case "+sentinel": {
      const [, master, digits] = MASTER.exec(path) ?? [];
      if (master === undefined) throw notRedis(`the form is ${FORMS[topology]}`);
      const db = Number(digits ?? "");
      return { kind: "sentinel", places, master, url: `${begin}/${master}/${db}`, options: { ...options, db } };
    }
    case "+cluster":
      if (!/^0?$/.test(path)) throw notRedis("a cluster has no database but 0");
      return { kind: "cluster", places, url: begin, options };
  }
}

function topologyOf(url: string): Topology {
  const scheme = /^rediss?(\+sentinel|\+cluster)?:/i.exec(url);
  if (!scheme) throw notRedis("it begins with redis:// or rediss://, redis+sentinel:// or redis+cluster://");
  const topology = scheme[1]?.toLowerCase();
  return topology === "+sentinel" || topology === "+cluster" ? topology : "";
}

function placeIn(text: string, topology: Topology): string {
  const [, host, digits] = HOST.exec(text) ?? [];
  if (host === undefined) throw notRedis(faultOf(text, topology));
  const port = Number(digits ?? (topology === "+sentinel" ? 26_379 : 6_379));
  if (port < 1 || port > 65_535) throw notRedis("a port is not between 1 and 65535");
  return `${host}:${port}`;
}

function faultOf(url: string, topology: Topology): string {
  const form = `the form is ${FORMS[topology]}`;
  if (/[?#]/.test(url)) return `${form}, without a query or fragment (in a password, write ? as %3F and # as %23)`;
  return `${form} (in a password, write @ as %40, : as %3A and / as %2F)`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notRedis("in the user name or password, write % as %25");
  }
}

function notRedis(why: string): Error {
  return new Error(`ONCEGATE_STORE (or REDIS_URL) is not a Redis URL: ${why}`);
}
