import type { Breaker } from "./breaker.ts";
import type { Content } from "./content.ts";
import type { ErrorForm } from "./error-form.ts";
import type { Fields } from "./fields.ts";
import type { FingerprintSetting } from "./fingerprint.ts";
import { doubtOf, readerOf } from "./illegible.ts";
import type { Read } from "./illegible.ts";
import { keyOf, placesOf } from "./key.ts";
import type { HeaderValues, KeySetting } from "./key.ts";
import { bodyMatches, isOnPath, isOnRoute } from "./match.ts";
import type { Match } from "./match.ts";
import { likenessOf } from "./likeness.ts";
import type { Duplicates, Values } from "./likeness.ts";
import type { OutcomeLine } from "./outcome.ts";
import type { Probe } from "./probe.ts";
import type { Problem } from "./problem.ts";
import type { Question } from "./question.ts";
import type { Listing } from "./reconciliation.ts";
import type { NamedCredential } from "./credential.ts";
import * as refusal from "./refusal.ts";
import { withoutScope } from "./scope.ts";
import type { ScopeSetting } from "./scope.ts";
import { readSource, sourceName, stands } from "./source.ts";
import type { Source, Standing } from "./source.ts";

/** How the operations of one route are treated. Without a rules file there is one, named "default", made of the settings. */
export type Rule = {
  name: string;
  match: Match;
  /** It stops nothing: what it would have stopped is passed on and noted. */
  isObserved: boolean;
  key: KeySetting;
  scope: ScopeSetting;
  /** What the API knows its callers by besides the usual headers (credential.ts). */
  credential: readonly NamedCredential[];
  /** The scope says for certain who asks: a replay needs no more than it. */
  trustScope: boolean;
  /** Asked with the client's own credentials before it is shown what is stored; a 2xx is the API's yes. */
  authorize: Question | undefined;
  /** How a retry finds out what became of an operation whose outcome is unknown; undefined also where the rule only observes. */
  probe: Probe | undefined;
  fingerprint: FingerprintSetting;
  /** What is wrong with a body, in words; none where nothing is. */
  faultsOf: ((body: unknown) => readonly Fault[]) | undefined;
  /** What a retry of a completed operation gets: its answer, or 409 `already-completed`. */
  onCompleted: "replay" | "reject";
  /** How long a retry waits for the running original before it gets 409; `Prefer: wait` may ask for longer. */
  inFlightWaitMs: number;
  outcome: readonly OutcomeLine[];
  /** Where the API fails again and again for a scope, it is left alone for a while. */
  breaker: Breaker | undefined;
  /** What did not begin is tried again while its client waits; undefined: only what was never sent, for two seconds. */
  retry: Retry | undefined;
  /** How the API lists what it has, for those who compare it with the records. */
  listing: Listing | undefined;
  retentionMs: number;
  /** Operations on one document have their turn one after the other, also those without a key. */
  turn: TurnRule | undefined;
  /** Operations that are alike are executed once, also those without a key. */
  duplicates: Duplicates | undefined;
  errors: ErrorForm;
};

/**
 * `document`: where its id is read; a request without one is not held up. `kind`: documents of different kinds may have the same id.
 * `isDelete`: a second one is refused at once while one waits or runs (turn.ts).
 */
type TurnRule = { document: Standing; kind: string; isDelete: boolean; waitMs: number };
/** At most so many tries, the last of them begun within that time. */
type Retry = { tries: number; withinMs: number };

/** `pointer`: where in the body (RFC 6901). */
export type Fault = { pointer: string; detail: string };

/** What the head of a request already decides. `read`: one of `shortlist` may govern it, which takes the body to tell. */
export type Sight =
  | { kind: "pass-through" }
  | { kind: "refused"; problem: Problem; rule: Rule }
  | { kind: "read"; shortlist: readonly [Rule, ...Rule[]] };

export type Head = { method: string; path: string; headers: HeaderValues };

const PASS_THROUGH: { kind: "pass-through" } = { kind: "pass-through" };

/**
 * The rules that may govern a request are those on its route, up to the first that asks nothing of the body. Where none of them can
 * find a key without the body, nor looks for one, for a document or for duplicates in it, the body need not be read.
 */
export function atFirstSight(rules: readonly Rule[], { method, path, headers }: Head): Sight {
  const onRoute = rules.filter(({ match }) => isOnRoute(match, method, path));
  const sure = onRoute.findIndex(({ match }) => match.body.length === 0);
  const [first, ...others] = sure === -1 ? onRoute : onRoute.slice(0, sure + 1);
  if (first === undefined) return PASS_THROUGH;
  if (sure === 0 && first.key.fields.length === 0 && !governsKeyless(first)) {
    const reading = keyOf(first.key, headers, undefined);
    if (reading.kind === "refused") return { kind: "refused", problem: reading, rule: first };
    if (reading.kind === "absent") return withoutKey(first, method);
  }
  const shortlist = [first, ...others] as const;
  return shortlist.some((rule) => mayHaveKey(rule, headers)) ? { kind: "read", shortlist } : PASS_THROUGH;
}

/** What has no key may still have its turn, or be a duplicate. */
const governsKeyless = ({ turn, duplicates }: Rule): boolean => turn !== undefined || duplicates !== undefined;

/** Or is governed without one. */
function mayHaveKey(rule: Rule, headers: HeaderValues): boolean {
  const { key, match } = rule;
  if (governsKeyless(rule)) return true;
  if (key.fields.length > 0 || (key.isRequired && match.body.length > 0)) return true;
  return key.headers.some((name) => headers[name] !== undefined);
}

function withoutKey(rule: Rule, method: string): Extract<Sight, { kind: "pass-through" | "refused" }> {
  if (!rule.key.isRequired) return PASS_THROUGH;
  return { kind: "refused", problem: refusal.keyMissing(method, placesOf(rule.key, " or ")), rule };
}

/**
 * What head and body together decide: the rule that governs, its key, the document whose turn it needs, and what its duplicates have in
 * common with it; one of the three at least.
 */
export type Found =
  | { kind: "pass-through" }
  | { kind: "refused"; problem: Problem; rule: Rule }
  | { kind: "governed"; rule: Rule; key: string | undefined; document: string | undefined; alike: Values | undefined };

type Asked = Head & { query: string };

export function find(shortlist: readonly Rule[], request: Asked, read: Read): Found {
  const { method, headers } = request;
  const { fields, content } = read;
  const reader = readerOf(shortlist);
  const doubt = reader && doubtOf(read);
  if (reader !== undefined && doubt !== undefined)
    return { kind: "refused", problem: refusal.illegible(doubt), rule: reader };
  const rule = governing(shortlist, fields);
  if (rule === undefined) return PASS_THROUGH;
  if ("kind" in rule) return rule;
  const reading = keyOf(rule.key, headers, fields);
  if (reading.kind === "refused") return { kind: "refused", problem: reading, rule };
  const document = documentOf(rule, request, fields);
  if (typeof document === "object") return { kind: "refused", problem: document, rule };
  const alike = rule.duplicates && alikeOf(rule, rule.duplicates, { ...request, fields }, content);
  if (reading.kind === "key") return { kind: "governed", rule, key: reading.key, document, alike };
  if ((document === undefined && alike === undefined) || rule.key.isRequired) return withoutKey(rule, method);
  // Without its duplicates it would pass through: who only counts them must not stop it for any other reason.
  const isObserved = rule.isObserved || (document === undefined && rule.duplicates?.action === "observe");
  return { kind: "governed", rule: { ...rule, isObserved }, key: undefined, document, alike };
}

type Refused = Extract<Found, { kind: "refused" }>;

/** The first whose match holds. Refused where that cannot be told of one that enforces: those behind it may ask for less. */
function governing(shortlist: readonly Rule[], fields: Fields): Rule | Refused | undefined {
  const enforces = shortlist.some(({ isObserved }) => !isObserved);
  for (const rule of shortlist) {
    const matches = bodyMatches(rule.match, fields);
    if (matches === true) return rule;
    if (matches !== false && !(rule.isObserved && enforces))
      return { kind: "refused", problem: refusal.ambiguous(matches.ambiguous), rule };
  }
  return undefined;
}

/** Operations of different rules, or on different paths, are no duplicates. */
function alikeOf(
  { name }: Rule,
  { fields: sources }: Duplicates,
  request: Asked & { fields: Fields },
  content: Content,
): Values | undefined {
  const values = likenessOf(sources, request, content);
  return values && [name, request.method, request.path, ...values];
}

/** It passes on what enforcing it would stop: everything, or duplicates. */
export const observesSomething = ({ isObserved, duplicates }: Rule): boolean =>
  isObserved || duplicates?.action === "observe";

/** Where a rule only observes nobody waits. Refused where something stands there that is no id: it would not wait for the others. */
function documentOf({ turn, isObserved }: Rule, request: Asked, fields: Fields): string | undefined | Problem {
  if (isObserved || turn === undefined || !stands(turn.document, { ...request, fields })) return undefined;
  const id = readSource(turn.document, { ...request, fields, claims: () => undefined });
  return id ?? refusal.illegibleDocument(sourceName(turn.document));
}

/** The headers that a rule's scope and credential are read from. */
export function callerHeaders({ scope, credential }: Pick<Rule, "scope" | "credential">): string[] {
  const sources: readonly Source[] = [...(scope === "auto" ? [] : scope), ...credential];
  return sources.flatMap((source) => (source.from === "header" ? [source.name] : []));
}

/** A path as it may be logged: without what says whose key it is, for any of the rules that it could belong to. */
export function pathToLog(rules: readonly Rule[], path: string): string {
  return rules.reduce((rest, { match, scope }) => (isOnPath(match, path) ? withoutScope(scope, rest) : rest), path);
}

/** Seconds that `Prefer: wait=N` asks for (RFC 7240, section 4.3), in ms; undefined where it does not. */
export function preferredWaitMs(prefer: readonly string[] | undefined): number | undefined {
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?/i.exec((prefer ?? []).join(","))?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
