import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { VIOLATIONS } from "./checker/violation.ts";
import { breed, mutant, mutantNames } from "./mutant.ts";
import { faultKinds } from "./nemesis.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-mutants-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(mutantNames())("the seeded bug %s still fits src and says what must be found", (name) => {
  const broken = mutant(name);
  breed(broken, join(folder, name)); // throws where the patch does not apply
  expect(Object.keys(VIOLATIONS)).toEqual(expect.arrayContaining(broken.expect));
  const known = (["redis", "sqlite"] as const).flatMap((storeName) => faultKinds(storeName));
  expect(known).toEqual(expect.arrayContaining(broken.faults));
});
