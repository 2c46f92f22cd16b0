import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
export const textOf = (path: string): string => readFileSync(fromRoot(path), "utf8");

/** The test files that a page names. */
export const testsNamedIn = (page: string): Set<string> => new Set(page.match(/test\/[\w./-]+\.ts/g));
