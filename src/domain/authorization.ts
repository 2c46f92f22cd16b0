import { jsonMembers } from "./fields.ts";

export function basicUsername(authorization: string | undefined): string | undefined {
  const encoded = /^basic +([\w+/=-]+) *$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, "base64").toString("latin1"); // byte for byte: as UTF-8, all that is malformed would be equal
  const colon = decoded.indexOf(":");
  return colon > 0 ? decoded.slice(0, colon) : undefined;
}

const JWT = /^(?:bearer|dpop) +([\w-]+\.([\w-]+)\.[\w-]*) *$/i;

/** The token itself; undefined where Authorization holds none. */
export const jwtIn = (authorization: string | undefined): string | undefined => JWT.exec(authorization ?? "")?.[1];

/** Decoded, not verified: the upstream judges it. */
export function jwtClaims(authorization: string | undefined): ReadonlyMap<string, unknown> | undefined {
  const payload = JWT.exec(authorization ?? "")?.[2];
  if (payload === undefined) return undefined;
  return jsonMembers(Buffer.from(payload, "base64url").toString("utf8"));
}
