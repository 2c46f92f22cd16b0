import { isPointer } from "../domain/pointer.ts";
import type { Probe } from "../domain/probe.ts";
import type { Question } from "../domain/question.ts";
import type { Rule } from "../domain/rule.ts";
import type { Wrong } from "./mistakes.ts";
import type { RuleSource } from "./rules-file.ts";
import { credentialNotIn, reasonNotToAsk } from "./rules-showing.ts";

/** The questions of a rule, and what is wrong with them (rules.ts). */

export function probeOf(source: RuleSource["probe"], quarantineMs: number, wrong: Wrong): Probe | undefined {
  if (source === undefined) return undefined;
  const { request, found, equals = {}, since, absent = [], status, after: afterMs = quarantineMs } = source;
  if (afterMs < quarantineMs)
    wrong(["probe", "after"], `must be at least ${quarantineMs / 1_000}s: so long the API may still be working on it`);
  const alike = Object.entries(equals).map(([pointer, from]) => ({ pointer, source: from }));
  for (const { pointer } of alike)
    if (!isPointer(pointer)) wrong(["probe", "equals", pointer], "is no JSON pointer, /number for instance");
  if (alike.length === 0 && mayFindAnother(request, found))
    wrong(
      ["probe"],
      'needs equals: it searches, and what it finds may be another one: equals: { /number: "body:number" }',
    );
  return { request, found, equals: alike, since, absent, status, afterMs };
}

/** Only a path that names one thing by the request's own text can have no other answer: not a query, nor a place in a list. */
function mayFindAnother({ target }: Question, found: string): boolean {
  const inQuery = target.findIndex((part) => typeof part === "string" && part.includes("?"));
  const isPlace = (part: Question["target"][number]): boolean => typeof part !== "string";
  const [path, query] = inQuery === -1 ? [target, []] : [target.slice(0, inQuery), target.slice(inQuery)];
  return !path.some(isPlace) || query.some(isPlace) || /\/\d+$/.test(found);
}

/** `probe`: as it is written, also where the rule only observes. */
export function checkQuestions(rule: Rule, probe: Probe | undefined, wrong: Wrong): void {
  const doubt = reasonNotToAsk(rule);
  if (doubt !== undefined) wrong(["authorize", "request"], doubt);
  const questions = { authorize: rule.authorize, probe: probe?.request };
  for (const [field, question] of Object.entries(questions)) {
    const unasked = question && credentialNotIn(question, rule.credential);
    if (unasked !== undefined) wrong([field, "request"], unasked);
  }
}
