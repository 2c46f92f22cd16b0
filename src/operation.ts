import { readContent } from "./domain/content.ts";
import type { Content } from "./domain/content.ts";
import { jwtClaims } from "./domain/authorization.ts";
import { credentialOf } from "./domain/credential.ts";
import { voiceOf } from "./domain/error-form.ts";
import type { Voice } from "./domain/error-form.ts";
import { fieldsOf } from "./domain/fields.ts";
import type { Fields } from "./domain/fields.ts";
import { fingerprintOf } from "./domain/fingerprint.ts";
import { documentName, likenessName, nameOf } from "./domain/key.ts";
import { isAnother } from "./domain/likeness.ts";
import type { Values } from "./domain/likeness.ts";
import type { Problem } from "./domain/problem.ts";
import type { Name, Token } from "./domain/record.ts";
import * as refusal from "./domain/refusal.ts";
import { find } from "./domain/rule.ts";
import type { Rule } from "./domain/rule.ts";
import { readsToken, scopeOf } from "./domain/scope.ts";
import type { SourceInput } from "./domain/source.ts";
import { digest } from "./domain/token.ts";
import { newId } from "./ids.ts";
import type { Request } from "./request.ts";
import type { Naming } from "./store/name-secret.ts";
import type { VerifyToken } from "./tokens.ts";

/**
 * A request that a rule governs. `key`: undefined where it has none, and is an operation for its turn or its duplicates alone. `document`:
 * what it has to wait for. `alike`: what its duplicates have in common with it. `say`: how its client is told what is wrong.
 */
export type Governed = {
  request: Request;
  rule: Rule;
  key: string | undefined;
  document: string | undefined;
  alike: Values | undefined;
  body: Buffer;
  content: Content;
  fields: Fields;
  say: Voice;
};

export type Operation = Omit<Governed, "document" | "alike"> & {
  name: Name;
  /** The queue that it has its turn in. */
  document: Name | undefined;
  /** Under which its original is found, where its rule eliminates duplicates. */
  likeness: Name | undefined;
  /** The client says that it is no duplicate, however alike. */
  isAnother: boolean;
  fingerprint: Token;
  credential: Token;
  isNameCurrent: () => boolean;
  /** What sources are read from. */
  input: SourceInput;
};

type Recognised = { kind: "refused"; problem: Problem } | { kind: "governed"; governed: Governed };

/** Which rule governs, by the body too, and what its key is; a body that the rule's schema refuses goes no further. */
export function recognise(
  request: Request,
  shortlist: readonly Rule[],
  body: Buffer,
): { kind: "pass-through" } | (Recognised & { rule: Rule; say: Voice }) {
  const content = readContent(request.headers["content-type"]?.[0], request.headers["content-encoding"]?.[0], body);
  const fields = fieldsOf(content);
  const found = find(shortlist, request, { body, content, fields });
  if (found.kind === "pass-through") return found;
  const { rule } = found;
  request.facts.rule = rule.name;
  const voice = voiceOf(rule.errors, fields);
  if (found.kind === "refused") return { kind: "refused", problem: found.problem, rule, say: voice };
  const { key, document, alike } = found;
  const say: Voice = key === undefined ? (problem, id) => voice(refusal.withoutKey(problem), id) : voice;
  const faults = rule.faultsOf?.(fields.whole()) ?? [];
  if (faults.length > 0) return { kind: "refused", problem: refusal.invalid(faults), rule, say };
  return { kind: "governed", governed: { request, rule, key, document, alike, body, content, fields, say }, rule, say };
}

/** Whose key it is and what was asked for, under the names that the store may know. At once where no token has to be verified. */
export function identify(
  governed: Governed,
  naming: Naming,
  verify: VerifyToken | undefined,
): Operation | Problem | Promise<Operation | Problem> {
  const { request, rule } = governed;
  const authorization = request.headers["authorization"]?.[0];
  if (verify === undefined || !readsToken(rule.scope))
    return identifyBy(() => jwtClaims(authorization), governed, naming);
  return verify(authorization).then((verified) => {
    if (verified.kind === "claims") return identifyBy(() => verified.claims, governed, naming);
    request.facts.why = verified.why;
    return verified.kind === "invalid" ? refusal.scopeMissing(verified.why) : refusal.scopeUnverifiable();
  });
}

function identifyBy(
  claims: SourceInput["claims"],
  governed: Governed,
  { secret, isCurrent }: Naming,
): Operation | Problem {
  const { request, rule, key, document, alike, body, content, fields } = governed;
  const { headers, path, query, method } = request;
  const input = { headers, path, query, fields, claims };
  const scope = scopeOf(rule.scope, input);
  if (scope.kind === "missing") return refusal.scopeMissing(scope.what);
  const caller = credentialOf(rule.credential, input);
  if (caller.kind === "missing") return refusal.scopeMissing(caller.what);
  // Without a key, under a name that nobody will ask for again.
  const name = nameOf(secret, scope.scope, key ?? newId());
  request.facts.name = name;
  return {
    ...governed,
    name,
    document: document && documentName(secret, scope.scope, rule.turn?.kind ?? "", document),
    likeness: alike && likenessName(secret, scope.scope, alike),
    isAnother: rule.duplicates !== undefined && isAnother(rule.duplicates, { headers, path, query, fields }),
    fingerprint: fingerprintOf(secret, rule.fingerprint, { method, path, query, body, content }),
    credential: digest(secret, "credential", caller.credential),
    isNameCurrent: isCurrent,
    input,
  };
}

/**
 * It asks for the very same as another one: what the API says to its question is said of both. Requests that are merely alike
 * (duplicates) may differ in what the question is made of.
 */
export const isSameRequest = ({ rule, fingerprint }: Operation, other: { fingerprint: Token }): boolean =>
  rule.fingerprint.mode !== "none" && fingerprint === other.fingerprint;

/** Where its outcome becomes unknown, a retry has the API asked: by its key, or, as its duplicate, by being the same request. */
export function isProbedOnRetry(operation: Operation): boolean {
  const { rule, key, likeness } = operation;
  if (rule.probe === undefined || rule.isObserved) return false;
  return key !== undefined || (likeness !== undefined && !operation.isAnother && isSameRequest(operation, operation));
}
