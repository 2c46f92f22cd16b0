import { dirname, resolve } from "node:path";
import type { FingerprintSetting } from "../domain/fingerprint.ts";
import type { KeySetting } from "../domain/key.ts";
import type { Match } from "../domain/match.ts";
import { outcomeOfStatuses } from "../domain/outcome.ts";
import type { OutcomeLine, StatusLists } from "../domain/outcome.ts";
import type { Rule } from "../domain/rule.ts";
import type { Source } from "../domain/source.ts";
import { defaultRule, statusLists } from "./default-rule.ts";
import { quarantineOf } from "./quarantine.ts";
import { mistakesOf, readYaml } from "./mistakes.ts";
import type { Mistake, Wrong } from "./mistakes.ts";
import { ReadableRules, RulesFile, VERDICTS } from "./rules-file.ts";
import type { RuleSource } from "./rules-file.ts";
import type { Settings } from "./settings.ts";
import { checkQuestions, probeOf } from "./rules-asking.ts";
import { doubtOfCredential, reasonNotToTrust } from "./rules-showing.ts";
import { duplicatesOf } from "./rules-duplicates.ts";
import { schemaOf } from "./rules-schema.ts";
import { isOutermostName } from "./rules-values.ts";
import { reasonOf } from "../reason.ts";

/**
 * `doubts`: what is right as it is written, and may not be what the API needs. `files`: the texts that the rules were read from, by the
 * paths under which they were asked for.
 */
export type LoadedRules =
  | { kind: "rules"; rules: readonly Rule[]; doubts: readonly Mistake[]; files: RulesFiles }
  | { kind: "refused"; mistakes: readonly Mistake[] };

export type RulesFiles = Readonly<Record<string, string>>;

export type RulesContext = {
  readFile: (path: string) => string;
  /** The rule of the settings. It governs what no other does, and says what the others leave open. */
  fallback: Rule;
  /** Of the settings: a rule replaces each list that it gives itself. */
  statuses: StatusLists;
  /** Two looks that did not find an operation count only so far apart, ms. */
  quarantineMs: number;
  /** There are keys that JWTs are verified with. */
  verifiesTokens: boolean;
};

/** The rules that the settings ask for: of their file, if there is one, and their own. */
export function rulesOf(settings: Settings, { readFile }: Pick<RulesContext, "readFile">): LoadedRules {
  const fallback = defaultRule(settings);
  const { ONCEGATE_RULES: file } = settings;
  if (file === undefined) return { kind: "rules", rules: [fallback], doubts: [], files: {} };
  const files: Record<string, string> = {};
  const loaded = loadRules(file, {
    readFile: (path) => (files[path] = readFile(path)),
    fallback,
    statuses: statusLists(settings),
    quarantineMs: quarantineOf(settings),
    verifiesTokens: verifiesTokens(settings),
  });
  return loaded.kind === "rules" ? { ...loaded, files } : loaded;
}

const verifiesTokens = (settings: Settings): boolean =>
  [settings.ONCEGATE_JWT_KEYS_FILE, settings.ONCEGATE_JWT_KEYS_URL, settings.ONCEGATE_JWT_SECRET].some(Boolean);

/** The rules of a file, in its order, and behind them the rule of the settings; or all that is wrong with the file. */
function loadRules(file: string, context: RulesContext): LoadedRules {
  let text: string;
  try {
    text = context.readFile(file);
  } catch (error) {
    return refused([{ file, line: 1, column: 1, what: `cannot be read: ${reasonOf(error)}` }]);
  }
  const read = readYaml(file, text);
  if (read.kind === "unreadable") return refused(read.mistakes);
  const parsed = RulesFile.safeParse(read.value);
  const mistakes = parsed.success ? [] : mistakesOf(parsed.error.issues, file, read.locate);
  const doubts: Mistake[] = [];
  // What only a rule as a whole shows is told at once, too, of all rules that can be read.
  const sources = parsed.success ? parsed.data.rules : (ReadableRules.safeParse(read.value).data?.rules ?? []);
  const rules = sources.flatMap((source, index) => {
    if (source === undefined) return [];
    const noteIn = (list: Mistake[]): Wrong => {
      return (path, what) => {
        const whole = ["rules", index, ...path];
        list.push({ file, ...read.locate(whole), what: `${whole.join(".")} ${what}` });
      };
    };
    const wrong = noteIn(mistakes);
    const before = sources.slice(0, index).filter((other) => other !== undefined);
    if (before.some(({ name }) => name === source.name)) wrong(["name"], "is the name of another rule too");
    const over = before.find((other) => takesAllOf(other, source, context.fallback));
    if (over !== undefined) wrong(["match"], `never governs: the rule ${over.name} before it takes every such request`);
    const readSchema = (path: string): string => context.readFile(resolve(dirname(file), path));
    const rule = compile(source, { ...context, readFile: readSchema }, wrong);
    const doubt = doubtOfCredential(rule);
    if (doubt !== undefined) noteIn(doubts)([], doubt);
    return [rule];
  });
  return mistakes.length > 0
    ? refused(mistakes)
    : { kind: "rules", rules: [...rules, context.fallback], doubts, files: {} };
}

const refused = (mistakes: readonly Mistake[]): LoadedRules => ({
  kind: "refused",
  mistakes: mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column),
});

function compile(source: RuleSource, context: RulesContext, wrong: Wrong): Rule {
  const { fallback } = context;
  const isObserved = source.mode === undefined ? fallback.isObserved : source.mode === "observe";
  const probe = probeOf(source.probe, context.quarantineMs, wrong);
  const rule: Rule = {
    name: source.name,
    match: matchOf(source.match, fallback.match),
    isObserved,
    key: keyOf(source.key ?? {}, fallback.key),
    scope: source.scope ?? fallback.scope,
    credential: source.credential ?? [],
    trustScope: source.trustScope ?? false,
    authorize: source.authorize?.request,
    probe: isObserved ? undefined : probe,
    fingerprint: fingerprintOf(source.fingerprint ?? {}, fallback.fingerprint, wrong),
    faultsOf: source.schema === undefined ? undefined : schemaOf(source.schema, context.readFile, wrong),
    onCompleted: source.onCompleted ?? "replay",
    inFlightWaitMs: waitOf(source.onInFlight) ?? fallback.inFlightWaitMs,
    outcome: outcomeOf(source.outcome ?? {}, context.statuses),
    breaker: source.breaker,
    retry: source.retry,
    listing: source.reconcile,
    retentionMs: source.retention ?? fallback.retentionMs,
    turn: turnOf(source, wrong),
    duplicates: duplicatesOf(source.duplicates, source.retention ?? fallback.retentionMs, wrong),
    errors: errorsOf(source.errors) ?? fallback.errors,
  };
  if (rule.trustScope) {
    const reason = reasonNotToTrust(rule.scope, context.verifiesTokens);
    if (reason !== undefined) wrong(["trustScope"], reason);
  }
  checkQuestions(rule, probe, wrong);
  return rule;
}

function matchOf(source: RuleSource["match"], { methods }: Match): Match {
  const { body = {}, bodyPresent = [], bodyAbsent = [] } = source;
  return {
    methods: source.methods ?? methods,
    path: source.path,
    body: [
      ...Object.entries(body).map(([field, texts]) => ({ field, is: "one-of" as const, texts: [texts].flat() })),
      ...bodyPresent.map((field) => ({ field, is: "present" as const })),
      ...bodyAbsent.map((field) => ({ field, is: "absent" as const })),
    ],
  };
}

/** Everything that `later` could govern is `earlier`'s already. */
function takesAllOf({ match: earlier }: RuleSource, { match: later }: RuleSource, { match }: Rule): boolean {
  const methods = earlier.methods ?? match.methods;
  const asksBody = [earlier.body, earlier.bodyPresent, earlier.bodyAbsent].some((asked) => asked !== undefined);
  const takesPath = earlier.path === undefined || earlier.path.glob === later.path?.glob;
  return !asksBody && takesPath && (later.methods ?? match.methods).every((method) => methods.includes(method));
}

function keyOf(
  { from, pattern, maxLength, required }: NonNullable<RuleSource["key"]>,
  fallback: KeySetting,
): KeySetting {
  return {
    headers: from === undefined ? fallback.headers : namesFrom(from, "header"),
    fields: from === undefined ? fallback.fields : namesFrom(from, "body"),
    maxLength: maxLength ?? fallback.maxLength,
    pattern,
    isRequired: required ?? fallback.isRequired,
  };
}

const namesFrom = (sources: readonly Source[], from: "header" | "body" | "query"): string[] =>
  sources.flatMap((source) => (source.from === from ? [source.name] : []));

function fingerprintOf(
  { mode, ignore = [] }: NonNullable<RuleSource["fingerprint"]>,
  fallback: FingerprintSetting,
  wrong: Wrong,
): FingerprintSetting {
  const setting = {
    mode: mode ?? fallback.mode,
    ignore: { fields: namesFrom(ignore, "body"), query: namesFrom(ignore, "query") },
  };
  if (!setting.ignore.fields.every(isOutermostName))
    wrong(["fingerprint", "ignore"], "can only have fields of the outermost object, by their names");
  if (setting.ignore.fields.length > 0 && setting.mode !== "content")
    wrong(["fingerprint", "ignore"], `can have no field of the body where the mode is ${setting.mode}`);
  return setting;
}

function waitOf(source: RuleSource["onInFlight"]): number | undefined {
  return source === undefined ? undefined : source === "reject" ? 0 : source.wait;
}

function turnOf({ serialize, exclusive }: RuleSource, wrong: Wrong): Rule["turn"] {
  if (serialize !== undefined && exclusive !== undefined)
    wrong(["exclusive"], "cannot go with serialize: an operation is an edit or a delete");
  const source = exclusive ?? serialize;
  if (source === undefined) return undefined;
  const { document, kind = "", wait } = source;
  return { document, kind, isDelete: source === exclusive, waitMs: wait };
}

/** In the order of the file, then the lists of the settings that it does not give. */
function outcomeOf(source: NonNullable<RuleSource["outcome"]>, { release, unknown }: StatusLists): OutcomeLine[] {
  const own = Object.entries(source).flatMap(([name, conditions]) => {
    const verdict = VERDICTS.find((one) => one === name)!;
    return conditions.map((condition) => ({ verdict, when: conditionsOf(condition) }));
  });
  const rest = { release: source.release ? [] : release, unknown: source.unknown ? [] : unknown };
  return [...own, ...outcomeOfStatuses(rest)];
}

type ConditionSource = NonNullable<NonNullable<RuleSource["outcome"]>["release"]>[number];

function conditionsOf({ status, header, body, in: among, equals }: ConditionSource): OutcomeLine["when"] {
  return [
    ...(status === undefined ? [] : [{ on: "status" as const, ranges: status }]),
    ...(header === undefined ? [] : [{ on: "header" as const, name: header }]),
    ...(body === undefined ? [] : [{ on: "body" as const, pointer: body, among: among ?? [equals ?? ""] }]),
  ];
}

function errorsOf(source: RuleSource["errors"]): Rule["errors"] | undefined {
  return source?.format === "problem" ? { format: "problem", statuses: source.statuses ?? {} } : source;
}
