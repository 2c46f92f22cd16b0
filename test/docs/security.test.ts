import { expect, test } from "@jest/globals";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const page = readFileSync(fromRoot("docs/security.md"), "utf8");

/** A test file, and what stands in brackets behind it: the names of its tests. */
const named = [...page.matchAll(/`(test\/[^`]+\.ts)`(?: \(("[^|]*?")\)(?=[ ,]))?/g)].map(([, path, names = ""]) => ({
  path: path!,
  names: [...names.matchAll(/"([^"]+)"/g)].map(([, name]) => name!),
}));

test("docs/security.md names 25 test files or more, and each of them exists", () => {
  const paths = new Set(page.match(/test\/[\w./-]+\.ts/g));
  expect(paths.size).toBeGreaterThanOrEqual(25);
  expect([...paths].filter((path) => !existsSync(fromRoot(path)))).toEqual([]);
});

test("each test that docs/security.md names stands in the file that it names", () => {
  const tests = named.flatMap(({ path, names }) => names.map((name) => ({ path, name })));
  expect(tests.length).toBeGreaterThanOrEqual(25);
  expect(tests.filter(({ path, name }) => !readFileSync(fromRoot(path), "utf8").includes(name))).toEqual([]);
});
