import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { Ending } from "../support/gateway.ts";
import { inside, ownerOf, pathOf } from "./image.ts";
import type { Image } from "./image.ts";

/** Runs a command of the image's, as its user, with its environment and `env`: what an engine does on `docker run`. */
export function runInside(
  image: Image,
  [command = "", ...args]: readonly string[],
  env: Record<string, string>,
): ChildProcessByStdio<null, Readable, Readable> {
  const [uid = 0, gid = 0] = ownerOf(image.user).split(":").map(Number);
  return spawn(command, args, {
    cwd: inside(image, "."),
    env: { PATH: pathOf(image), ...image.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    uid,
    gid,
  });
}

/** The same for a command that ends by itself. */
export async function endOf(image: Image, command: readonly string[], env: Record<string, string>): Promise<Ending> {
  const child = runInside(image, command, env);
  const [[code], stdout, stderr] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return { code: code as number | null, stdout, stderr };
}

/** Every file and folder of an image outside its volumes, with what would tell a change. */
export function contents(image: Image): string[] {
  const volumes = new Set(image.volumes.map((volume) => inside(image, volume)));
  const list = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (volumes.has(path)) return [];
      const { size, mtimeMs, mode } = statSync(path);
      const line = `${path} ${mode} ${mtimeMs} ${entry.isDirectory() ? "" : size}`;
      return entry.isDirectory() ? [line, ...list(path)] : [line];
    });
  return list(image.root);
}
