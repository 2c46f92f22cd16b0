import { expect, test } from "@jest/globals";
import { RedisClock } from "../../src/store/redis/clock.ts";

const SECOND = 1_000;

test("a clock that was never heard says nothing", () => {
  expect(new RedisClock().time()).toBeUndefined();
});

test("a clock is carried on, and a reply that came slowly does not set it back", () => {
  const clock = new RedisClock();
  const start = performance.now() + 100 * SECOND;
  clock.hear(start);
  clock.hear(start - 500);
  expect(clock.time()).toBeGreaterThanOrEqual(Math.floor(start));
  expect(clock.time()).toBeLessThan(start + 30 * SECOND);
});

test("a clock follows the server's when that jumps, both ways", () => {
  const clock = new RedisClock();
  clock.hear(performance.now() + 200 * SECOND);
  clock.hear(performance.now() + 100 * SECOND);
  expect(clock.time()).toBeLessThan(performance.now() + 101 * SECOND);
  clock.hear(performance.now() + 300 * SECOND);
  expect(clock.time()).toBeGreaterThan(performance.now() + 299 * SECOND);
});
