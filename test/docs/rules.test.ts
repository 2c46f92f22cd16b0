import { expect, test } from "@jest/globals";
import { readdirSync } from "node:fs";
import { fromRoot, textOf } from "./named.ts";

const STYLES = readdirSync(fromRoot("examples/rules")).map((name) => name.replace(/\.yaml$/, ""));

test.each(STYLES)("the page of the style %s is in the index, and has its rule file as it is and a session", (style) => {
  expect(textOf("docs/rules.md")).toContain(`(rules/${style}.md)`);
  const page = textOf(`docs/rules/${style}.md`);
  expect(page).toContain(`\`\`\`yaml\n${textOf(`examples/rules/${style}.yaml`).trim()}\n\`\`\``);
  expect(page).toMatch(/```console\n\$ curl [^]+HTTP\/1\.1 [^]+Idempotent-Replayed: true/);
});
