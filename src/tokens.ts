/** What a JWT in Authorization says. `invalid`: nobody vouches for it; `unavailable`: that cannot be told now. `why` is for people. */
type VerifiedToken =
  | { kind: "claims"; claims: ReadonlyMap<string, unknown> }
  | { kind: "invalid"; why: string }
  | { kind: "unavailable"; why: string };

/** Never rejects. */
export type VerifyToken = (authorization: string | undefined) => Promise<VerifiedToken>;
