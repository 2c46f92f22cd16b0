import { expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { fromRoot, testsNamedIn, textOf } from "./named.ts";

const page = textOf("docs/security.md");

/** A test file, and what stands in brackets behind it: the names of its tests. */
const named = [...page.matchAll(/`(test\/[^`]+\.ts)`(?: \(("[^|]*?")\)(?=[ ,]))?/g)].map(([, path, names = ""]) => ({
  path: path!,
  names: [...names.matchAll(/"([^"]+)"/g)].map(([, name]) => name!),
}));

test("docs/security.md names 25 test files or more, and each of them exists", () => {
  const paths = testsNamedIn(page);
  expect(paths.size).toBeGreaterThanOrEqual(25);
  expect([...paths].filter((path) => !existsSync(fromRoot(path)))).toEqual([]);
});

test("each test that docs/security.md names stands in the file that it names", () => {
  const tests = named.flatMap(({ path, names }) => names.map((name) => ({ path, name })));
  expect(tests.length).toBeGreaterThanOrEqual(25);
  expect(tests.filter(({ path, name }) => !textOf(path).includes(name))).toEqual([]);
});
