import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A redis-server to run and the libraries that it needs but the system may lack. */
export type RedisBinary = { command: string; libraries: string[] };

const CACHE = fileURLToPath(new URL("../../.cache", import.meta.url));
const UNPACKED = join(CACHE, "redis");
const PACKAGES = ["redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1"];
const ADVICE =
  "No redis-server for the tests: install Redis or Valkey (apt-get install redis-server, brew install redis), " +
  "or set ONCEGATE_TEST_REDIS_SERVER to the path of a redis-server.";

const run = promisify(execFile);

/** One that is installed is preferred; on Debian the packages are unpacked into .cache, without root and without installing. */
export async function findRedis(): Promise<RedisBinary> {
  const given = env.ONCEGATE_TEST_REDIS_SERVER;
  if (given) return { command: given, libraries: [] };
  const installed = (await onPath("redis-server")) ?? (await onPath("valkey-server"));
  if (installed) return { command: installed, libraries: [] };
  return (await unpacked(UNPACKED)) ?? (await unpackDebian());
}

async function onPath(name: string): Promise<string | undefined> {
  const candidates = (env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  const runnable = await Promise.all(candidates.map(isRunnable));
  return candidates.find((_, i) => runnable[i]);
}

async function isRunnable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function unpacked(root: string): Promise<RedisBinary | undefined> {
  const command = join(root, "usr/bin/redis-server");
  if (!(await isRunnable(command))) return undefined;
  const libraries = ["usr/lib", "lib"].map(async (lib) => {
    const entries = await readdir(join(root, lib), { withFileTypes: true }).catch(() => []);
    return entries.filter((e) => e.isDirectory() && e.name.includes("-linux-")).map((e) => join(root, lib, e.name));
  });
  return { command, libraries: (await Promise.all(libraries)).flat() };
}

/** Several test processes may do this at once: each unpacks into a folder of its own and the first to rename it wins. */
async function unpackDebian(): Promise<RedisBinary> {
  if (!(await onPath("apt-get")) || !(await onPath("dpkg"))) throw new Error(ADVICE);
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, "redis-unpacking-"));
  const root = join(work, "root");
  try {
    await download(work, PACKAGES);
    await unpack(work, root);
    if (await lacksLibraries(root)) {
      await download(work, await dependencies());
      await unpack(work, root);
    }
    await rename(root, UNPACKED).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } catch (error) {
    throw new Error(`${ADVICE}\nUnpacking the Debian packages failed: ${String(error)}`, { cause: error });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const binary = await unpacked(UNPACKED);
  if (!binary) throw new Error(ADVICE);
  return binary;
}

/** Where apt's package lists are empty or too old to download from, lists of our own are fetched; the system's stay as they are. */
async function download(cwd: string, packages: string[]): Promise<void> {
  try {
    await run("apt-get", ["download", ...packages], { cwd });
  } catch {
    const lists = join(cwd, "lists");
    await mkdir(join(lists, "partial"), { recursive: true });
    await mkdir(join(cwd, "apt"), { recursive: true });
    const own = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${join(cwd, "apt")}`];
    await run("apt-get", [...own, "update"], { cwd });
    await run("apt-get", [...own, "download", ...packages], { cwd });
  }
}

async function unpack(work: string, root: string): Promise<void> {
  const archives = (await readdir(work)).filter((name) => name.endsWith(".deb"));
  await Promise.all(archives.map(async (name) => run("dpkg", ["-x", join(work, name), root])));
}

async function lacksLibraries(root: string): Promise<boolean> {
  const binary = await unpacked(root);
  if (!binary) throw new Error(`no redis-server in the packages under ${dirname(root)}`);
  const { stdout } = await run("ldd", [binary.command], { env: { ...env, ...libraryPath(binary) } });
  return stdout.includes("not found");
}

/** All but the C library, which must be the one the system runs with. */
async function dependencies(): Promise<string[]> {
  const { stdout } = await run("apt-cache", ["depends", "redis-server", "redis-tools"]);
  const names = [...stdout.matchAll(/^ *(?:Pre)?Depends: (lib[\w.+-]+)$/gm)].map((match) => match[1]!);
  return names.filter((name) => name !== "libc6");
}

export function libraryPath({ libraries }: RedisBinary): { LD_LIBRARY_PATH?: string } {
  if (libraries.length === 0) return {};
  const inherited = env.LD_LIBRARY_PATH ? [env.LD_LIBRARY_PATH] : [];
  return { LD_LIBRARY_PATH: [...libraries, ...inherited].join(delimiter) };
}
