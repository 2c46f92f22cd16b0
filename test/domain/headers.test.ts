import { expect, test } from "@jest/globals";
import { byName, endToEnd } from "../../src/domain/headers.ts";

test("only end-to-end fields pass, in case and order as sent: none about the connection, none that Connection nominates", () => {
  const raw = [
    "X-A",
    "1",
    "Connection",
    "keep-alive, X-Hop",
    "x-hop",
    "2",
    "TE",
    "trailers",
    "x-a",
    "3",
    "Upgrade",
    "h2c",
    "Keep-Alive",
    "timeout=5",
  ];
  expect(endToEnd(raw)).toEqual(["X-A", "1", "x-a", "3"]);
});

test("as a dictionary, a repeated field is a list under its first spelling, and no name is special", () => {
  const raw = ["X-A", "1", "x-b", "2", "x-a", "3", "__proto__", "4", "X-A", "5"];
  const dictionary = byName(raw);
  expect(Object.entries(dictionary)).toEqual([
    ["X-A", ["1", "3", "5"]],
    ["x-b", "2"],
    ["__proto__", "4"],
  ]);
  expect(Object.getPrototypeOf(dictionary)).toBe(Object.prototype);
});
