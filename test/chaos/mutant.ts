import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TREE } from "./host.ts";
import type { StoreName } from "./store.ts";
import type { Violation } from "./checker/violation.ts";

/** A bug put into a copy of src, which a run must find; described in the head of its patch (mutants/*.patch). */
export type Mutant = {
  name: string;
  /** What the checker may say of it. */
  expect: Violation["kind"][];
  /** Faults that bring it to light. */
  faults: string[];
  /** The only store that has what it breaks. */
  store: StoreName | undefined;
  /** The upstream has to misbehave as well. */
  needsMischief: boolean;
};

const FOLDER = fileURLToPath(new URL("mutants", import.meta.url));

export const mutantNames = (): string[] => readdirSync(FOLDER).map((file) => file.replace(/\.patch$/, ""));

/** Throws where there is no such patch. */
export function mutant(name: string): Mutant {
  const head = readFileSync(join(FOLDER, `${name}.patch`), "utf8").split("\ndiff --git")[0]!;
  const line = (field: string): string | undefined => new RegExp(`^${field}: (.*)$`, "m").exec(head)?.[1];
  return {
    name,
    expect: (line("Expect") ?? "").split(", ") as Violation["kind"][],
    faults: (line("Faults") ?? "none").split(", ").filter((kind) => kind !== "none"),
    store: line("Store") as StoreName | undefined,
    needsMischief: line("Upstream") === "mischievous",
  };
}

/** Copies what a gateway needs into the folder and breaks it; this tree stays as it is. */
export function breed({ name }: Mutant, folder: string): string {
  const tree = join(folder, "tree");
  for (const part of ["src", "package.json", "test/chaos"])
    cpSync(join(TREE, part), join(tree, part), { recursive: true });
  symlinkSync(join(TREE, "node_modules"), join(tree, "node_modules"));
  execFileSync("git", ["apply", join(FOLDER, `${name}.patch`)], { cwd: tree, stdio: "pipe" });
  return tree;
}
