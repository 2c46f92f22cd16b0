import { expect, test } from "@jest/globals";
import { Places } from "../../src/upstream/places.ts";

test("there are so many places and no more; one that is given goes to who waited longest", async () => {
  const places = new Places(1);
  expect(await places.take(10)).toBe(true);
  const told: string[] = [];
  const waiting = ["first", "second"].map(async (name) => {
    if (await places.take(60_000)) told.push(name);
  });
  places.give();
  await waiting[0];
  expect(told).toEqual(["first"]);
  places.give();
  await waiting[1];
  expect(told).toEqual(["first", "second"]);
});

test("who waits too long leaves, and takes no place with it", async () => {
  const places = new Places(1);
  await places.take(10);
  expect(await places.take(10)).toBe(false);
  places.give();
  expect(await places.take(10)).toBe(true);
});

test("who waits when it closes is sent away at once", async () => {
  const places = new Places(0);
  const waiting = places.take(60_000);
  places.close();
  expect(await waiting).toBe(false);
});
