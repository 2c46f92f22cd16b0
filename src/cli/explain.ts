import { parseArgs } from "node:util";
import { loadSettings } from "../config/load.ts";
import { mistakeText } from "../config/mistakes.ts";
import { rulesOf } from "../config/rules.ts";
import { readContent } from "../domain/content.ts";
import { jwtClaims } from "../domain/authorization.ts";
import { credentialOf } from "../domain/credential.ts";
import { fieldsOf } from "../domain/fields.ts";
import { PROBLEMS } from "../domain/problem.ts";
import type { Problem } from "../domain/problem.ts";
import * as refusal from "../domain/refusal.ts";
import { atFirstSight, find } from "../domain/rule.ts";
import type { Rule } from "../domain/rule.ts";
import { readsToken, scopeOf } from "../domain/scope.ts";
import { sourceName, stands } from "../domain/source.ts";
import { createGuard } from "../inbound/guard.ts";
import {
  duplicateLines,
  fingerprintLines,
  keylessWords,
  outcomeLines,
  probeLines,
  ruleLines,
  sendingLines,
  turnLines,
} from "./explained-rule.ts";
import type { Line } from "./explained-rule.ts";
import { requestInFile, requestOfCurl } from "./sample-request.ts";
import type { SampleRequest } from "./sample-request.ts";
import { reasonOf } from "../reason.ts";
import { FAILED, TOLD_WRONG } from "../surroundings.ts";
import type { Surroundings } from "../surroundings.ts";

const HELP = `Usage: oncegate explain --request FILE.http
       oncegate explain --curl "curl ..."

Says, without sending anything, which rule governs a request, where its key and scope come from, what a retry must have in common
with it, and what would happen. Settings and rules are those of a gateway that would start here now.`;

/** `oncegate explain ...`: resolves to the exit code. */
export async function explain(around: Surroundings): Promise<number> {
  const loaded = loadSettings(around.env, around.readFile);
  if (loaded.kind === "refused") {
    around.complain(loaded.message);
    return TOLD_WRONG;
  }
  const ruled = rulesOf(loaded.settings, around);
  if (ruled.kind === "refused") {
    for (const mistake of ruled.mistakes) around.complain(mistakeText(mistake));
    return TOLD_WRONG;
  }
  let request: SampleRequest | undefined;
  try {
    request = requestIn(around);
  } catch (error) {
    around.complain(`oncegate explain: ${reasonOf(error)}`);
    return FAILED;
  }
  if (request === undefined) {
    around.complain(HELP);
    return TOLD_WRONG;
  }
  around.print(
    explained(request, ruled.rules)
      .map(([what, how]) => `${(what === "" ? "" : `${what}:`).padEnd(15)}${how}`)
      .join("\n"),
  );
  return 0;
}

/** undefined where it cannot be meant. */
function requestIn({ args, readFile }: Surroundings): SampleRequest | undefined {
  const options = { request: { type: "string" }, curl: { type: "string" } } as const;
  const { request: file, curl } = parseArgs({ args: args.slice(1), options }).values;
  if ((file === undefined) === (curl === undefined)) return undefined;
  return file === undefined ? requestOfCurl(curl ?? "", readFile) : requestInFile(readFile(file));
}

/** The same functions that serve requests, in the same order; the words are for people. */
function explained(request: SampleRequest, rules: readonly Rule[]): Line[] {
  const { method, path, query, headers, body } = request;
  const shown: Line = ["request", `${method} ${path}${query === "" ? "" : `?${query}`}, ${body.length} bytes`];
  const target = query === "" ? path : `${path}?${query}`;
  const unsafe = createGuard({ rules, pseudonym: "oncegate-explain" })({
    ...request,
    target,
    httpVersion: "1.1",
    isUpgrade: false,
  });
  if (unsafe !== undefined) return [shown, ["outcome", refused(unsafe)]];

  const sight = atFirstSight(rules, request);
  if (sight.kind === "pass-through")
    return [shown, ["outcome", "passes through, its body unread: no rule on its route can find a key in it"]];
  if (sight.kind === "refused") return [shown, ...ruleLines(sight.rule), ["outcome", refused(sight.problem)]];

  const content = readContent(headers["content-type"]?.[0], headers["content-encoding"]?.[0], body);
  const fields = fieldsOf(content);
  const found = find(sight.shortlist, request, { body, content, fields });
  const looked: Line = [
    "looked at",
    `${sight.shortlist.map(({ name }) => name).join(", ")}; its body is read as ${content.kind}`,
  ];
  if (found.kind === "pass-through")
    return [shown, looked, ["outcome", "passes through: no rule governs it, or the one that does finds no key"]];
  const { rule } = found;
  const lines: Line[] = [shown, looked, ...ruleLines(rule)];
  if (found.kind === "refused") return [...lines, ["outcome", refused(found.problem)]];
  const faults = rule.faultsOf?.(fields.whole()) ?? [];
  if (faults.length > 0) return [...lines, ["outcome", refused(refusal.invalid(faults))]];

  const { key, document, alike } = found;
  lines.push(["key", key ?? keylessWords(found)], ["scope from", scopeWords(rule)]);
  const claims = () => jwtClaims(headers["authorization"]?.[0]);
  const input = { headers, path, query, fields, claims };
  const scope = scopeOf(rule.scope, input);
  if (scope.kind === "missing") return [...lines, ["outcome", refused(refusal.scopeMissing(scope.what))]];
  lines.push(["scope", scope.scope]);
  const credential = credentialOf(rule.credential, input);
  if (credential.kind === "missing") return [...lines, ["outcome", refused(refusal.scopeMissing(credential.what))]];
  const isKept = key !== undefined || alike !== undefined;
  return [
    ...lines,
    ...credentialLines(rule, { headers, path, query, fields }),
    ...turnLines(rule, document),
    ...(key === undefined ? [] : fingerprintLines(rule, { method, path, query, body, content })),
    ...outcomeLines(found),
    ...duplicateLines(found, input, fields),
    ...(isKept ? probeLines(rule, input) : []),
    ...sendingLines(rule),
  ];
}

const refused = (problem: Problem): string => {
  const { statuses, title } = PROBLEMS[problem.code];
  return `refused with ${problem.status ?? statuses[0]} ${problem.code} (${title}): ${problem.what}`;
};

function scopeWords({ scope }: Rule): string {
  if (scope === "auto") return "the credential (auto)";
  const words = scope.map(sourceName).join(", ");
  return readsToken(scope) ? `${words}; the token is only decoded here` : words;
}

/** Never what stands there. */
function credentialLines({ credential }: Rule, sent: Parameters<typeof stands>[1]): Line[] {
  if (credential.length === 0) return [];
  const found = credential.filter((source) => stands(source, sent)).map(sourceName);
  return [["credential", `${found.join(" and ")}, beside Authorization, X-Api-Key or Cookie`]];
}
