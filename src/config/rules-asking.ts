import { isPointer } from "../domain/pointer.ts";
import type { Probe } from "../domain/probe.ts";
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
  return { request, found, equals: alike, since, absent, status, afterMs };
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
