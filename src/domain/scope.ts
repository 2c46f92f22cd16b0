import { basicUsername, jwtClaims } from "./authorization.ts";
import type { HeaderValues } from "./key.ts";
import { scalarText } from "./pointer.ts";
import { readSource, sourceName } from "./source.ts";
import type { Source, SourceInput } from "./source.ts";

export type ScopeSetting = "auto" | readonly Source[];

export type ScopeReading = { kind: "scope"; scope: string } | { kind: "missing"; what: string };

/**
 * Whose key it is. `auto`: a JWT's issuer, subject and client, decoded and not verified (the upstream judges it, and a replay
 * also needs the same credential); else the Basic user name; else X-Api-Key; else the whole Authorization; else one common scope.
 */
export function scopeOf(setting: ScopeSetting, input: SourceInput): ScopeReading {
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

/** A claim of a JWT is a part of it. */
export function readsToken(setting: ScopeSetting): boolean {
  return setting !== "auto" && setting.some(({ from }) => from === "jwt");
}

/** A path as it may be logged: what a scope is read from says whose key it is. */
export function withoutScope(setting: ScopeSetting, path: string): string {
  if (setting === "auto") return path;
  const segments = path.split("/");
  for (const source of setting) if (source.from === "path" && segments[source.index]) segments[source.index] = "*";
  return segments.join("/");
}

function autoScope(headers: HeaderValues): ScopeReading {
  const authorization = headers["authorization"]?.[0];
  const apiKey = headers["x-api-key"]?.[0];
  // An API may go by the key and ignore a token, which is not verified here: the key has its say wherever it is sent.
  const both = apiKey === undefined ? [] : [apiKey];
  const claims = jwtClaims(authorization);
  if (claims !== undefined) {
    const [issuer, subject, client] = ["iss", "sub", claims.has("azp") ? "azp" : "client_id"].map((name) =>
      scalarText(claims.get(name)),
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
