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

test("every line of Connection nominates, and every name in it, however it is written", () => {
  const connection = ["Close", "keep-alive", "Keep-Alive,X-One", "KEEP-ALIVE", " x-two ,", "keep-alive , X-THREE"];
  const lines = connection.flatMap((value) => ["connection", value]);
  const fields = ["X-One", "1", "x-TWO", "2", "X-Three", "3", "close", "4", "keep-alive", "5", "x-keep-alive", "6"];
  for (const raw of [
    [...lines, ...fields],
    [...fields, ...lines],
  ])
    expect(endToEnd(raw)).toEqual(["x-keep-alive", "6"]);
  expect(endToEnd(["Connection", "keep-alive", "Keep-Alive", "1", "X-A", "2"])).toEqual(["X-A", "2"]);
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
