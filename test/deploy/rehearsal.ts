import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findRedis, libraryPath } from "../support/redis-binary.ts";
import { GUARD } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { isJob, servicesOf } from "./compose.ts";
import type { Profile, Service } from "./compose.ts";

const CONFIGURATION = fileURLToPath(new URL("../../deploy/redis", import.meta.url));
/** More than form-cluster.sh gives the nodes to find each other. */
const JOB_WITHIN_MS = 90_000;

const run = promisify(execFile);

/**
 * What docker-compose.yml makes of Redis, without containers: its own commands, health checks and order, with a folder for each
 * volume and an address of this machine (127.x.y.*) for each of the network's. Linux only: elsewhere 127.0.0.1 is the only one.
 */
export class Rehearsal {
  readonly #folder = mkdtempSync(join(tmpdir(), "oncegate-compose-"));
  readonly #network = `127.${1 + (process.pid % 250)}.${Math.floor(Math.random() * 250)}.`;
  readonly #members: ReadonlyMap<string, Service>;
  readonly #started = new Map<string, Promise<void>>();
  readonly #running = new Map<string, ChildProcess>();
  #env: NodeJS.ProcessEnv = {};

  constructor(profile: Profile) {
    this.#members = new Map(servicesOf(profile).filter(([, { build }]) => build === undefined));
  }

  /** Starts every service in its order; resolves when all are healthy, and the jobs done. */
  async up(): Promise<void> {
    const binary = await findRedis();
    const bin = join(this.#folder, "bin");
    mkdirSync(bin);
    const real = { server: binary.command, cli: join(dirname(binary.command), "redis-cli") };
    // In a container each has an address of its own, and is "localhost" to itself.
    const here = `--bind "$ADDRESS" --bind-source-addr "$ADDRESS"`;
    const asked = `case " $* " in *" -h "* | *" --cluster "*) ;; *) set -- -h "$ADDRESS" "$@" ;; esac`;
    script(join(bin, "redis-server"), `exec ${real.server} "$@" ${here}`);
    script(join(bin, "redis-sentinel"), `exec ${real.server} "$@" --sentinel ${here}`);
    script(join(bin, "redis-cli"), `${asked}\nexec ${real.cli} "$@"`);
    this.#env = { ...libraryPath(binary), PATH: `${bin}:${process.env["PATH"]}` };
    mkdirSync(join(this.#folder, "configuration"));
    for (const file of readdirSync(CONFIGURATION))
      writeFileSync(
        join(this.#folder, "configuration", file),
        this.here(readFileSync(join(CONFIGURATION, file), "utf8")),
      );
    await Promise.all([...this.#members.keys()].map((name) => this.#ready(name)));
  }

  /** A text of the container's world in this machine's words. */
  here(text: string): string {
    return text
      .replaceAll("/etc/redis", join(this.#folder, "configuration"))
      .replaceAll("/run/secrets", join(this.#folder, "passwords"))
      .replaceAll("172.30.90.", this.#network);
  }

  address(name: string): string {
    const { networks } = this.#members.get(name)!;
    return Array.isArray(networks) ? "" : this.here(networks["store"]!.ipv4_address);
  }

  /** What redis-cli, with the password, gets from a service. */
  async cli(name: string, ...args: string[]): Promise<string> {
    const password = readFileSync(this.here("/run/secrets/password"), "utf8");
    const env = { ...this.#env, REDISCLI_AUTH: password, ADDRESS: this.address(name) };
    return (await run("redis-cli", args, { env, encoding: "utf8" })).stdout;
  }

  #ready(name: string): Promise<void> {
    const starting = this.#started.get(name) ?? this.start(name);
    this.#started.set(name, starting);
    return starting;
  }

  /** Resolves when it is healthy, a job when it is done. */
  async start(name: string): Promise<void> {
    const service = this.#members.get(name)!;
    await Promise.all(Object.keys(service.depends_on).map((needed) => this.#ready(needed)));
    const volume = service.volumes.find((mount) => mount.endsWith(":/data"))?.split(":")[0] ?? name;
    const cwd = join(this.#folder, volume);
    mkdirSync(cwd, { recursive: true });
    const env = { ...this.#env, ADDRESS: this.address(name) };
    const [command = "", ...args] = service.command.map((word) => this.here(word));
    if (isJob(service)) return void (await run(command, args, { cwd, env, timeout: JOB_WITHIN_MS }));

    const guard = spawn("sh", ["-c", GUARD, join(cwd, "log"), command, ...args], {
      cwd,
      env,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#running.set(name, guard);
    const [, check = ""] = service.healthcheck!.test;
    const healthy = () =>
      run("sh", ["-c", this.here(check).replaceAll("$$", "$")], { env }).then(
        () => true,
        () => false,
      );
    await until(`${name} is healthy`, healthy).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${readFileSync(join(cwd, "log"), "utf8").slice(-2_000)}`);
    });
  }

  /** As a crash; its volume stays. */
  async kill(name: string): Promise<void> {
    const guard = this.#running.get(name);
    if (guard === undefined) return;
    this.#running.delete(name);
    const gone = once(guard, "exit");
    guard.stdin!.end();
    await gone;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.kill(name)));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function script(path: string, text: string): void {
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}
