import { expect, test } from "@jest/globals";
import { Tally } from "../../src/prove/tally.ts";

const backend = (made: Record<string, string[]>) => ({
  url: "",
  invoices: (number: string) => made[number] ?? [],
  close() {},
});

function answered(...numbers: string[]): Tally {
  const tally = new Tally();
  for (const number of numbers) {
    tally.answered(number, `answer ${number}`, false);
    tally.atTheEnd(number, `answer ${number}`);
  }
  return tally;
}

test("one invoice for each intent, answered and replayed, is proof", () => {
  const tally = answered("1", "2");
  tally.answered("2", "answer 2", true);
  tally.resolved();
  const { summary, isProved } = tally.verdict(["1", "2"], backend({ 1: ["answer 1"], 2: ["answer 2"] }));
  expect(summary).toBe("2 intents, 2 invoices, 0 lost answers, 1 replays, 1 unknown resolved");
  expect(isProved).toBe(true);
});

const BROKEN: [what: string, tally: () => Tally, made: Record<string, string[]>, words: string][] = [
  ["a second invoice", () => answered("1"), { 1: ["answer 1", "answer 1b"] }, "BROKEN, made twice: 1"],
  ["no invoice", () => answered("1"), {}, "BROKEN, never made: 1"],
  ["an answer that nobody gave", () => answered("1"), { 1: ["another"] }, "BROKEN, not answered as made: 1"],
  [
    "an answer that is gone at the end",
    () => {
      const tally = answered("1");
      tally.atTheEnd("1", undefined);
      return tally;
    },
    { 1: ["answer 1"] },
    "BROKEN, without the same answer at the end: 1",
  ],
  [
    "an answer that changed in between",
    () => {
      const tally = answered("1");
      tally.answered("1", "answer 1b", true);
      return tally;
    },
    { 1: ["answer 1"] },
    "BROKEN, without the same answer at the end: 1",
  ],
  [
    "a client that gave up",
    () => {
      const tally = answered("1");
      tally.gaveUp("1");
      return tally;
    },
    { 1: ["answer 1"] },
    "BROKEN, not answered at all: 1",
  ],
];

test.each(BROKEN)("%s is none", (_what, tally, made, words) => {
  const { summary, isProved } = tally().verdict(["1"], backend(made));
  expect(summary).toContain(words);
  expect(isProved).toBe(false);
});
