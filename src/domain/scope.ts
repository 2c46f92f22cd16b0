import { jsonMembers } from "./content.ts";
import type { HeaderValues } from "./key.ts";

/** Where one part of a scope is read from (DESIGN, section 7): `header:x-tenant`, `basic:username`, `jwt:sub`, ... */
export type Source =
  | { from: "header" | "jwt" | "body" | "query"; name: string }
  | { from: "basic" }
  | { from: "path"; index: number };

export type ScopeSetting = "auto" | readonly Source[];

/** What a scope can be read from. `field`: a field of the parsed body. */
export type ScopeInput = {
  headers: HeaderValues;
  path: string;
  query: string;
  field(name: string): string | undefined;
};

export type ScopeReading = { kind: "scope"; scope: string } | { kind: "missing"; what: string };

/**
 * Whose key it is. `auto`: a JWT's issuer, subject and client, decoded and not verified (the upstream judges it, and a replay
 * also needs the same credential); else the Basic user name; else X-Api-Key; else the whole Authorization; else one common scope.
 */
export function scopeOf(setting: ScopeSetting, input: ScopeInput): ScopeReading {
  if (setting === "auto") return autoScope(input.headers);
  const parts: string[] = [];
  for (const source of setting) {
    const part = readSource(source, input);
    if (part === undefined || part === "")
      return { kind: "missing", what: `The request has no ${sourceName(source)}, or more than one.` };
    parts.push(part);
  }
  return scope("sources", ...parts);
}

/** A path as it may be logged: what a scope is read from says whose key it is. */
export function withoutScope(setting: ScopeSetting, path: string): string {
  if (setting === "auto") return path;
  const segments = path.split("/");
  for (const source of setting) if (source.from === "path" && segments[source.index]) segments[source.index] = "*";
  return segments.join("/");
}

/**
 * The credential an operation runs with, as one text to be digested: what the upstream authenticates by. Cookies count only
 * where nothing else is sent, since they carry much that changes by itself.
 */
export function credentialOf(headers: HeaderValues): string {
  const { authorization, "x-api-key": apiKey, cookie } = headers;
  const isSent = [authorization, apiKey].flat().some((value) => value); // an empty one says nothing
  return JSON.stringify(isSent ? { authorization, apiKey } : { cookie });
}

/** `header:NAME`, `basic:username`, `jwt:CLAIM`, `body:FIELD`, `query:NAME`, `path:N` (the Nth segment, from 1); else undefined. */
export function parseSource(text: string): Source | undefined {
  const [, from, name] = /^(header|basic|jwt|body|query|path):([^\s:,]+)$/.exec(text) ?? [];
  if (from === undefined || name === undefined) return undefined;
  switch (from) {
    case "basic":
      return name === "username" ? { from } : undefined;
    case "path":
      return /^[1-9]\d?$/.test(name) ? { from, index: Number(name) } : undefined;
    case "header":
      return { from, name: name.toLowerCase() };
    case "jwt":
    case "body":
    case "query":
      return { from, name };
    default:
      return undefined;
  }
}

function sourceName(source: Source): string {
  switch (source.from) {
    case "basic":
      return "Basic user name";
    case "path":
      return `segment ${source.index} in its path`;
    case "header":
      return `header ${source.name}`;
    case "jwt":
      return `claim ${source.name} in a JWT`;
    case "body":
      return `field ${source.name} in its body`;
    case "query":
      return `parameter ${source.name} in its query`;
  }
}

function autoScope(headers: HeaderValues): ScopeReading {
  const authorization = headers["authorization"]?.[0];
  const apiKey = headers["x-api-key"]?.[0];
  // An API may go by the key and ignore a token, which is not verified here: the key has its say wherever it is sent.
  const both = apiKey === undefined ? [] : [apiKey];
  const claims = jwtClaims(authorization);
  if (claims !== undefined) {
    const [issuer, subject, client] = ["iss", "sub", claims.has("azp") ? "azp" : "client_id"].map((name) =>
      claimText(claims.get(name)),
    );
    if (subject !== undefined || client !== undefined)
      return scope("jwt", issuer ?? "", subject ?? "", client ?? "", ...both);
  }
  const username = basicUsername(authorization);
  if (username !== undefined) return scope("basic", username, ...both);
  if (apiKey) return scope("api-key", apiKey);
  if (authorization) return scope("authorization", authorization);
  if (headers["cookie"] !== undefined)
    return { kind: "missing", what: "A cookie alone does not say whose key this is: it changes with every session." };
  return scope("common");
}

function scope(...parts: string[]): ScopeReading {
  return { kind: "scope", scope: JSON.stringify(parts) };
}

function readSource(source: Source, input: ScopeInput): string | undefined {
  switch (source.from) {
    case "header": {
      const values = input.headers[source.name];
      return values?.length === 1 ? values[0] : undefined;
    }
    case "basic":
      return basicUsername(input.headers["authorization"]?.[0]);
    case "jwt":
      return claimText(jwtClaims(input.headers["authorization"]?.[0])?.get(source.name));
    case "body":
      return input.field(source.name);
    case "query": {
      const values = new URLSearchParams(input.query).getAll(source.name);
      return values.length === 1 ? values[0] : undefined;
    }
    case "path":
      return input.path.split("/")[source.index];
  }
}

function basicUsername(authorization: string | undefined): string | undefined {
  const encoded = /^basic +([\w+/=-]+) *$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, "base64").toString("latin1"); // byte for byte: as UTF-8, all that is malformed would be equal
  const colon = decoded.indexOf(":");
  return colon > 0 ? decoded.slice(0, colon) : undefined;
}

function jwtClaims(authorization: string | undefined): Map<string, unknown> | undefined {
  const payload = /^(?:bearer|dpop) +[\w-]+\.([\w-]+)\.[\w-]* *$/i.exec(authorization ?? "")?.[1];
  if (payload === undefined) return undefined;
  return jsonMembers(Buffer.from(payload, "base64url").toString("utf8"));
}

/** A number too large for a double is none: its neighbours would be the same customer. */
function claimText(claim: unknown): string | undefined {
  return typeof claim === "string" || Number.isSafeInteger(claim) ? String(claim) : undefined;
}
