import { expect, test } from "@jest/globals";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { mutantNames } from "../chaos/mutant.ts";
import { faultKinds } from "../chaos/nemesis.ts";
import { LEAVINGS } from "../chaos/operation.ts";
import { MISCHIEVOUS } from "../chaos/upstream/behaviour.ts";
import { runCommand } from "../support/run-command.ts";
import { fromRoot, testsNamedIn, textOf } from "./named.ts";

const page = textOf("docs/guarantees.md");
const PAGES = [
  "README.md",
  ...readdirSync(fromRoot("docs")).flatMap((name) => (name.endsWith(".md") ? [join("docs", name)] : [])),
];

test("every test that docs/guarantees.md names exists", () => {
  const named = [...testsNamedIn(page)];
  expect(named.length).toBeGreaterThanOrEqual(5);
  expect(named.filter((path) => !existsSync(fromRoot(path)))).toEqual([]);
});

test("docs/guarantees.md has a row for every fault that is injected, and none for another", () => {
  const rows = [...page.matchAll(/^\|[^|]+\| `([^`]+)` \| [\d,]+ \|/gm)].map(([, kind]) => kind);
  const injected = [
    ...faultKinds("redis"),
    ...faultKinds("sqlite"),
    ...["declines", ...MISCHIEVOUS].map((kind) => `upstream ${kind}`),
    ...LEAVINGS.map((phase) => `client leaves ${phase}`),
  ];
  expect(rows).toHaveLength(new Set(rows).size);
  expect(new Set(rows)).toEqual(new Set(injected));
});

test("every seeded bug that docs/guarantees.md names exists", () => {
  const named = [...page.matchAll(/--mutant ([\w-]+)/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(0);
  expect(mutantNames()).toEqual(expect.arrayContaining(named));
});

test("docs/guarantees.md has six scenarios, each with its diagram", () => {
  const scenarios = page.slice(page.indexOf("## Six scenarios"), page.indexOf("## What was done to it"));
  expect(scenarios.match(/^### /gm)).toHaveLength(6);
  expect(scenarios.match(/^```mermaid\nsequenceDiagram$/gm)).toHaveLength(6);
});

test.each(PAGES)("every command that %s names exists", async (path) => {
  const text = textOf(path);
  const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
  const ofNpm = new Set(Array.from(text.matchAll(/npm run ([\w:]+)/g), ([, name]) => name));
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...ofNpm]));

  const { stdout } = await runCommand({}, ["help"]);
  const known = new Set(Array.from(stdout.matchAll(/^ {2}(?:\(none\), )?(\w+) {2}/gm), ([, name]) => name));
  const own = new Set(
    Array.from(text.matchAll(/^ {4}oncegate (\w+)|`oncegate (\w+)/gm), ([, one, other]) => one ?? other),
  );
  expect(known.size).toBeGreaterThan(5);
  expect([...known]).toEqual(expect.arrayContaining([...own]));
});
