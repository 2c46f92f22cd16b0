import type { Options } from "./connect.ts";

/** What is not part of the URL. Files are given by their content. */
export type Access = {
  /** So that the URL need not be a secret. */
  password?: string | undefined;
  ca?: string | undefined;
  /** For a server that asks its clients for one, as Redis does unless told otherwise. */
  cert?: string | undefined;
  key?: string | undefined;
};

export function credentials(username: string, inUrl: string, apart: string | undefined): Options {
  if (inUrl && apart) throw new Error("The Redis URL has a password and ONCEGATE_REDIS_PASSWORD is given: give one");
  const password = inUrl || apart;
  // ioredis would send neither.
  if (username && !password)
    throw new Error("The Redis URL has a user name: give its password, or ONCEGATE_REDIS_PASSWORD");
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

export function tlsOptions(isWanted: boolean, { ca, cert, key }: Access): Options {
  if (isWanted) return { tls: { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) } };
  if (ca ?? cert ?? key) throw new Error("The Redis URL is one without TLS, but TLS files are given: write rediss");
  return {};
}
