import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Compiles a file of this folder for LD_PRELOAD; undefined where there is no C compiler or no LD_PRELOAD. */
export function compileShim(name: string, folder: string): string | undefined {
  if (process.platform !== "linux") return undefined;
  const shim = join(folder, `${name}.so`);
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  try {
    execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", shim, source], { stdio: "pipe" });
    return shim;
  } catch {
    return undefined;
  }
}
