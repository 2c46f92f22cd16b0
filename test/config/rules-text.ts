import { loadSettings } from "../../src/config/load.ts";
import { mistakeText } from "../../src/config/mistakes.ts";
import { rulesOf } from "../../src/config/rules.ts";
import type { LoadedRules } from "../../src/config/rules.ts";
import type { Rule } from "../../src/domain/rule.ts";

/** Loads `text` as conf/rules.yaml, with `files` beside it. */
export function load(text: string, env: Record<string, string> = {}, files: Record<string, string> = {}): LoadedRules {
  const given = { ONCEGATE_UPSTREAM_URL: "http://127.0.0.1:1", ONCEGATE_RULES: "conf/rules.yaml", ...env };
  const loaded = loadSettings(given, () => "");
  if (loaded.kind === "refused") throw new Error(loaded.message);
  return rulesOf(loaded.settings, {
    readFile: (path) => {
      if (path === "conf/rules.yaml") return text;
      const file = Object.entries(files).find(([name]) => path.endsWith(`/conf/${name}`))?.[1];
      if (file === undefined) throw new Error(`ENOENT: ${path}`);
      return file;
    },
  });
}

export function rulesIn(text: string, ...more: [Record<string, string>?, Record<string, string>?]): readonly Rule[] {
  const loaded = load(text, ...more);
  if (loaded.kind === "refused") throw new Error(loaded.mistakes.map(mistakeText).join("\n"));
  return loaded.rules;
}

export function mistakesIn(text: string, files: Record<string, string> = {}): string[] {
  const loaded = load(text, {}, files);
  return loaded.kind === "refused" ? loaded.mistakes.map(mistakeText) : [];
}

export function doubtsIn(text: string): string[] {
  const loaded = load(text);
  return loaded.kind === "rules" ? loaded.doubts.map(mistakeText) : ["refused"];
}

/** A file of one rule. */
export const one = (lines: string): string => `version: 1\nrules:\n  - name: a\n    match: { path: /x }\n${lines}`;
