import { expect, test } from "@jest/globals";
import { judge, preferredWaitMs } from "../../src/domain/rule.ts";
import { aRule } from "../support/rule.ts";

const rule = aRule({
  releaseStatuses: [
    [400, 406],
    [422, 422],
  ],
  unknownStatuses: [[502, 504]],
});

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
  expect(judge(rule, status, headers)).toBe(verdict);
});

test("an answer that is in both lists is unknown: a key that is freed by mistake makes a second invoice", () => {
  const both = { ...rule, releaseStatuses: [[500, 599]] as const };
  expect([judge(both, 502, []), judge(both, 500, [])]).toEqual(["unknown", "release"]);
  expect(judge(aRule({ unknownStatuses: [[500, 599]] }), 508, [])).toBe("unknown");
});

test.each([
  [["wait=5"], 5_000],
  [["respond-async, wait=10"], 10_000],
  [["respond-async", "wait=7"], 7_000],
  [["handling=lenient"], undefined],
  [["await=5"], undefined],
  [undefined, undefined],
])("Prefer %j asks to wait %s ms", (prefer, ms) => expect(preferredWaitMs(prefer)).toBe(ms));
