import { expect, test } from "@jest/globals";
import { Budget, Share } from "../src/budget.ts";

test("what is within the limit is admitted, what would exceed it holds nothing", () => {
  const budget = new Budget(10);
  expect([budget.admit(6), budget.admit(5), budget.admit(4), budget.held]).toEqual([true, false, true, 10]);
});

test("at the limit not even nothing is admitted: it would be one more operation", () => {
  const budget = new Budget(10);
  expect(budget.admit(0)).toBe(true);
  budget.hold(10);
  expect(budget.admit(0)).toBe(false);
  budget.give(1);
  expect([budget.admit(0), budget.admit(1)]).toEqual([true, true]);
});

test("what is held may exceed the limit, and counts until it is given", () => {
  const budget = new Budget(10);
  budget.hold(25);
  budget.give(14);
  expect([budget.held, budget.admit(1)]).toEqual([11, false]);
});

test("a share gives back what it was admitted and what it holds, once", () => {
  const budget = new Budget(10);
  budget.hold(1);
  const share = new Share(budget);
  expect([share.admit(4), share.admit(6), budget.held]).toEqual([true, false, 5]);
  share.hold(20);
  share.giveBack();
  share.giveBack();
  expect(budget.held).toBe(1);
});
