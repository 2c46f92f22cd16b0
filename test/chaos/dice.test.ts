import { expect, test } from "@jest/globals";
import { Deck, Dice } from "./dice.ts";
import { operation } from "./operation.ts";

const draws = (dice: Dice): number[] => Array.from({ length: 20 }, () => dice.whole(0, 1_000_000));

test("the same seed and path give the same decisions, another seed or path others", () => {
  const first = draws(new Dice("7", "client", 1));
  expect(draws(new Dice("7", "client", 1))).toEqual(first);
  expect(draws(new Dice("8", "client", 1))).not.toEqual(first);
  expect(draws(new Dice("7", "client", 2))).not.toEqual(first);
});

test("an operation is the same whenever it is asked for, whatever came before", () => {
  const mischief = { upstream: true, leaving: true };
  const planned = Array.from({ length: 50 }, (_, n) => operation("7", 3, n, mischief));
  expect(operation("7", 3, 49, mischief)).toEqual(planned[49]);
  expect(new Set(planned.map(({ key }) => key)).size).toBe(50);
});

test("without mischief the upstream answers or declines and nobody leaves", () => {
  const planned = Array.from({ length: 500 }, (_, n) => operation("7", 0, n, { upstream: false, leaving: false }));
  const behaviours = planned.flatMap((one) => one.behaviours.map(({ kind }) => kind));
  expect(new Set(behaviours)).toEqual(new Set(["answers", "declines"]));
  expect(planned.every(({ leaves }) => leaves === undefined)).toBe(true);
});

test("a deck deals every card once before any comes again", () => {
  const deck = new Deck(["a", "b", "c"], new Dice("7", "deck"));
  const dealt = Array.from({ length: 4 }, () => [deck.deal(), deck.deal(), deck.deal()].toSorted());
  expect(new Set(dealt.map((cards) => cards.join("")))).toEqual(new Set(["abc"]));
});

test("numbers spread evenly", () => {
  const dice = new Dice("7", "spread");
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4_000; i++) counts[dice.whole(0, 3)]! += 1;
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(120);
});
