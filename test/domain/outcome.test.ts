import { expect, test } from "@jest/globals";
import { judge, outcomeOfStatuses } from "../../src/domain/outcome.ts";
import type { Condition, OutcomeLine } from "../../src/domain/outcome.ts";

const LISTS = {
  release: [
    [400, 406],
    [422, 422],
  ],
  unknown: [[502, 504]],
} as const;
const json = (): unknown => {
  throw new Error("no line asks for it");
};
const byStatus = (lists: Parameters<typeof outcomeOfStatuses>[0], status: number, headers: readonly string[]) =>
  judge(outcomeOfStatuses(lists), { status, headers, json });

test.each([
  [200, [], "store"],
  [201, [], "store"],
  [302, [], "store"],
  [399, [], "store"],
  [400, [], "release"],
  [406, [], "release"],
  [407, [], "store"],
  [409, [], "store"],
  [422, [], "release"],
  [500, [], "store"],
  [502, [], "unknown"],
  [503, [], "unknown"],
  [503, ["Retry-After", "5"], "release"],
  [502, ["Retry-After", "5"], "unknown"],
  [504, [], "unknown"],
  [508, [], "release"],
] as const)("an answer %i with %j is to %s", (status, headers, verdict) => {
  expect(byStatus(LISTS, status, headers)).toBe(verdict);
});

test("an answer that is in both lists is unknown: a key that is freed by mistake makes a second invoice", () => {
  const both = { ...LISTS, release: [[500, 599]] as const };
  expect([byStatus(both, 502, []), byStatus(both, 500, [])]).toEqual(["unknown", "release"]);
  expect(byStatus({ release: [], unknown: [[500, 599]] }, 508, [])).toBe("unknown");
});

const inBody = (pointer: string, ...among: string[]): Condition => ({ on: "body", pointer, among });
const LINES: readonly OutcomeLine[] = [
  { verdict: "release", when: [{ on: "status", ranges: [[502, 502]] }, inBody("/code", "peppol_delivery_failed")] },
  { verdict: "unknown", when: [{ on: "status", ranges: [[500, 599]] }] },
  { verdict: "release", when: [inBody("/status/errorCode", "1010", "1014")] },
];

test.each([
  [502, { code: "peppol_delivery_failed" }, "release"],
  [502, { code: "gateway" }, "unknown"],
  [502, undefined, "unknown"],
  [200, { status: { errorCode: 1010 } }, "release"],
  [200, { status: { errorCode: "1014" } }, "release"],
  [200, { status: { errorCode: 0 } }, "store"],
  [200, { status: { errorCode: [1010] } }, "store"],
  [200, { status: null }, "store"],
  [200, "1010", "store"],
] as const)("an answer %i with %j is to %s by the first line of which all holds", (status, body, verdict) => {
  expect(judge(LINES, { status, headers: [], json: () => body })).toBe(verdict);
});
