import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, jwtVerify } from "jose";
import type { JWTVerifyGetKey } from "jose";
import { jwtIn } from "./domain/authorization.ts";
import { reasonOf } from "./reason.ts";

/** What a JWT in Authorization says. `invalid`: nobody vouches for it; `unavailable`: that cannot be told now. `why` is for people. */
type VerifiedToken =
  | { kind: "claims"; claims: ReadonlyMap<string, unknown> }
  | { kind: "invalid"; why: string }
  | { kind: "unavailable"; why: string };

/** Never rejects. */
export type VerifyToken = (authorization: string | undefined) => Promise<VerifiedToken>;

/** What tokens are verified with. `keys`: a JWK Set as text, or where one is fetched from; `secret`: of HS256. */
export type TokenSettings = {
  trusted: { kind: "keys"; text: string } | { kind: "url"; url: URL } | { kind: "secret"; secret: string };
  issuer: string | undefined;
  audience: string | undefined;
  /** A token that never expires is taken, too. */
  mayLackExp: boolean;
};

/** A public key must not be taken for a secret, so each kind of key has algorithms of its own (RFC 8725, section 3.1). */
const WITH_KEYS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
const WITH_SECRET = ["HS256"];
/** An identity provider that takes longer holds up every operation. */
const FETCH_WITHIN_MS = 3_000;
/** Clocks of issuer and gateway may differ by this. */
const CLOCK_TOLERANCE_S = 30;

/** undefined where nothing is trusted: tokens are then only decoded. Throws where the keys are none. */
export function openTokens(settings: TokenSettings | undefined): VerifyToken | undefined {
  if (settings === undefined) return undefined;
  const { trusted, issuer, audience, mayLackExp } = settings;
  const key = trusted.kind === "secret" ? new TextEncoder().encode(trusted.secret) : keysOf(trusted);
  const options = {
    algorithms: trusted.kind === "secret" ? WITH_SECRET : WITH_KEYS,
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: mayLackExp ? [] : ["exp"],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  const verify = (token: string) =>
    typeof key === "function" ? jwtVerify(token, key, options) : jwtVerify(token, key, options);
  return async (authorization) => {
    const token = jwtIn(authorization);
    if (token === undefined) return { kind: "invalid", why: "Authorization has no JWT." };
    try {
      const { payload } = await verify(token);
      return { kind: "claims", claims: new Map(Object.entries(payload)) };
    } catch (error) {
      const why = reasonOf(error);
      return isFaultOfToken(error)
        ? { kind: "invalid", why: `The JWT is not valid: ${why}.` }
        : { kind: "unavailable", why };
    }
  };
}

function keysOf(trusted: Exclude<TokenSettings["trusted"], { kind: "secret" }>): JWTVerifyGetKey {
  if (trusted.kind === "url") return remoteKeys(trusted.url);
  try {
    return createLocalJWKSet(JSON.parse(trusted.text)); // which checks what it is given
  } catch (error) {
    throw new Error("ONCEGATE_JWT_KEYS_FILE holds no JWK Set", { cause: error });
  }
}

const remoteKeys = (from: URL) =>
  createRemoteJWKSet(from, {
    timeoutDuration: FETCH_WITHIN_MS,
    [customFetch]: (url, options) => fetch(url, { ...options, redirect: "error" }),
  });

/** Rejects where an operation that needs them could not have them now. */
export const fetchKeys = (from: URL): Promise<void> => remoteKeys(from).reload();

/** What remains is about getting the keys. */
function isFaultOfToken(error: unknown): boolean {
  return [
    errors.JWTExpired,
    errors.JWTClaimValidationFailed,
    errors.JWTInvalid,
    errors.JWSInvalid,
    errors.JWSSignatureVerificationFailed,
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
  ].some((fault) => error instanceof fault);
}
