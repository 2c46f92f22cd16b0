import { describe, expect, test } from "@jest/globals";
import type { OutcomeLine } from "../../src/domain/outcome.ts";
import { retriesOf } from "../../src/retrying.ts";
import { pauseBeforeNext } from "../../src/upstream/retries.ts";
import type { Execution } from "../../src/upstream/try.ts";
import { aRule } from "../support/rule.ts";

const UNSENT: Execution = { kind: "never-sent", reason: "unreachable", why: "ECONNREFUSED" };
const answered = (status: number, retryAfter?: string): Execution => ({
  kind: "answered",
  answer: { status, headers: retryAfter === undefined ? [] : ["Retry-After", retryAfter], body: Buffer.alloc(0) },
});
/** Of the statuses only 429 says that it did not begin. */
const outcome: OutcomeLine[] = [
  { verdict: "release", when: [{ on: "status", ranges: [[429, 429]] }] },
  { verdict: "store", when: [{ on: "status", ranges: [[100, 599]] }] },
];
const retries = (tries: number, withinMs = 60_000) => retriesOf(aRule({ retry: { tries, withinMs }, outcome }))!;
/** Of 1,000 times, so that a pause beyond its jitter is surely met. */
const pauses = (execution: Execution, tried: number): number[] =>
  Array.from({ length: 1_000 }, () => pauseBeforeNext(execution, retries(10), { tried, elapsedMs: 0 }) ?? Number.NaN);

describe("the pauses of a rule's retries", () => {
  test.each([
    [1, 500],
    [2, 1_000],
    [3, 2_000],
    [4, 4_000],
    [5, 8_000],
    [6, 8_000],
  ])("after try %i: %i ms, give or take a quarter", (tried, ms) => {
    const met = pauses(UNSENT, tried);
    expect(Math.min(...met)).toBeGreaterThanOrEqual(0.75 * ms);
    expect(Math.max(...met)).toBeLessThanOrEqual(1.25 * ms);
    expect(Math.min(...met)).toBeLessThan(0.8 * ms);
    expect(Math.max(...met)).toBeGreaterThan(1.2 * ms);
  });

  test("are as long as Retry-After says, where that is longer", () => {
    expect(new Set(pauses(answered(429, "3"), 1))).toEqual(new Set([3_000]));
  });

  test("end with the tries, and with the budget", () => {
    const next = (tried: number, elapsedMs: number) =>
      pauseBeforeNext(UNSENT, retries(5, 20_000), { tried, elapsedMs });
    expect([next(4, 0), next(5, 0)]).toEqual([expect.any(Number), undefined]);
    expect([next(1, 19_000), next(1, 19_800)]).toEqual([expect.any(Number), undefined]);
  });

  test.each<[string, Execution]>([
    ["429 without Retry-After", answered(429)],
    ["503, which the rule does not release", answered(503, "1")],
    ["402", answered(402, "1")],
    ["an answer that never came", { kind: "lost", reason: "upstream-reset", why: "" }],
    ["what the gateway kept back itself", { kind: "never-sent", reason: "circuit-open", why: "" }],
  ])("there is none after %s", (_, execution) => {
    expect(pauseBeforeNext(execution, retries(10), { tried: 1, elapsedMs: 0 })).toBeUndefined();
  });
});
