import { describe, expect, test } from "@jest/globals";
import { accepting, isContinued, judge, markText, raising, readMark } from "../../src/domain/continuity.ts";
import type { Found, Remembered, Step } from "../../src/domain/continuity.ts";

const at = (mark: string, count = 0): Found => ({ mark, count });
const known = (mark: string, ...counts: number[]): Remembered[] => counts.map((count) => ({ mark, count }));
const NEW = { pinned: undefined, newId: "new" };
const writes = (steps: Step[]) => steps.map(({ partition, from, to }) => `${partition}: ${from || "-"} > ${to}`);
const seen = (judged: ReturnType<typeof judge>) =>
  judged.kind === "unfinished" ? writes(judged.steps) : judged.kind === "whole" ? judged.mark : judged.kind;

test("a mark reads as it was written, and nothing else is one", () => {
  for (const text of ["a:0", "!a-_9:12"]) expect(markText(readMark(text)!)).toBe(text);
  for (const text of ["", "-", "a", "a:", ":1", "!!a:1", "a:1:2", "a b:1", "a:-1"])
    expect(readMark(text)).toBeUndefined();
});

test.each([
  ["the same mark and count", at("a:1", 3), true],
  ["more than was acknowledged: a claim whose answer was lost", at("a:1", 4), true],
  ["less than was acknowledged", at("a:1", 2), false],
  ["another mark", at("a:2", 3), false],
  ["a flag", at("!a:1", 3), false],
  ["nothing", at("", 0), false],
])("what was acknowledged is there: %s", (_what, found, expected) => {
  expect(isContinued({ mark: "a:1", count: 3 }, found)).toBe(expected);
});

test.each<[string, Found[], string | string[]]>([
  ["makes a store that is empty, by one partition", [at(""), at(""), at("")], ["0: - > new:0"]],
  ["helps another that is making it", [at("a:0"), at(""), at("")], ["1: - > a:0", "2: - > a:0"]],
  ["says that it is made when all have it", [at("a:0"), at("a:0")], ["0: a:0 > a:1", "1: a:0 > a:1"]],
  ["helps another that says so", [at("a:1"), at("a:0")], ["1: a:0 > a:1"]],
  ["works under the mark that all have", [at("a:7"), at("a:7")], "a:7"],
  ["misses a partition of a store that was made", [at("a:1"), at("")], "lost"],
  ["does not believe marks of several ages", [at("a:3"), at("a:1")], "lost"],
  ["does not believe marks of several stores", [at("a:1"), at("b:1")], "lost"],
  ["stops at a flag, wherever it is", [at("a:1"), at("!a:1")], "lost"],
])("a fresh process %s", (_what, found, expected) => {
  expect(seen(judge(found, undefined, NEW))).toEqual(expected);
});

test.each<[string, Found[], string]>([
  ["goes on where everything is there", [at("a:1", 5), at("a:1", 2)], "a:1"],
  ["works under the next mark, which somebody else accepted", [at("a:2"), at("a:2")], "a:2"],
  ["misses a claim", [at("a:1", 5), at("a:1", 1)], "lost"],
  ["misses a partition", [at("a:1", 5), at("")], "lost"],
  ["misses everything", [at(""), at("")], "lost"],
  ["does not take another store for its own", [at("b:1", 5), at("b:1", 5)], "lost"],
  ["does not go back to an older mark", [at("a:0", 5), at("a:0", 5)], "lost"],
  ["waits for the rest of an acceptance", [at("a:2"), at("!a:1")], "lost"],
])("a process that claimed %s", (_what, found, expected) => {
  expect(seen(judge(found, known("a:1", 5, 2), NEW))).toBe(expected);
});

test.each<[string, Found[], Remembered[] | undefined, string]>([
  ["its own store", [at("a:1")], undefined, "a:1"],
  ["an empty one", [at("")], undefined, "lost"],
  ["another one, which it leaves alone", [at("b:1")], undefined, "foreign"],
  ["another one that is stopped, which it leaves alone", [at("!b:1")], undefined, "foreign"],
  ["another one behind the address of its own", [at("b:1")], known("a:1", 1), "lost"],
  ["another one that somebody accepted since", [at("b:2")], known("!b:1", 0), "foreign"],
])("with a pinned id a process judges %s", (_what, found, remembered, expected) => {
  expect(seen(judge(found, remembered, { pinned: "a", newId: "new" }))).toBe(expected);
});

describe("stopping everybody", () => {
  test.each<[string, Found[], string | undefined, string[]]>([
    ["flags every partition", [at("a:1"), at("a:1")], "a:1", ["0: a:1 > !a:1", "1: a:1 > !a:1"]],
    ["brings back what is gone", [at("a:1"), at("")], "a:1", ["0: a:1 > !a:1", "1: - > !a:1"]],
    ["remembers the id of what is empty", [at(""), at("")], "a:4", ["0: - > !a:4", "1: - > !a:4"]],
    ["completes what another began", [at("!a:1"), at("a:1")], undefined, ["1: a:1 > !a:1"]],
    ["does not undo an acceptance that is under way", [at("!a:1"), at("a:2")], "a:1", []],
    ["raises older parts", [at("a:3"), at("a:1")], "a:3", ["0: a:3 > !a:3", "1: a:1 > !a:3"]],
    [
      "stops the store that took its own one's place",
      [at("b:1"), at("b:1")],
      "a:9",
      ["0: b:1 > !b:1", "1: b:1 > !b:1"],
    ],
    ["agrees with others on one id", [at("!b:1"), at("!a:1")], "b:1", ["0: !b:1 > !a:1"]],
  ])("%s", (_what, found, mark, expected) => {
    expect(writes(raising(found, mark === undefined ? undefined : readMark(mark)).steps)).toEqual(expected);
  });

  test("ends where every flag becomes the next mark", () => {
    expect(writes(accepting([at("!a:1"), at("a:2")], readMark("!a:1")!))).toEqual(["0: !a:1 > a:2"]);
  });
});
