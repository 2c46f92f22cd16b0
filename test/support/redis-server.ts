import { randomInt } from "node:crypto";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { CERT, KEY } from "./certificate.ts";
import { findRedis, libraryPath } from "./redis-binary.ts";

export type RedisServerOptions = {
  /** Of its own, and removed at the end, unless given. */
  dir?: string;
  port?: number;
  password?: string;
  /** On by default: what was acknowledged must survive `kill9`. */
  appendonly?: boolean;
  /** Only TLS on its port, with the certificate of certificate.ts; `mutual`: clients must show one, too. */
  tls?: "one-sided" | "mutual";
  /** As a node of a cluster that is yet to be made. */
  isClusterNode?: boolean;
  /** As a Sentinel, with these lines as its configuration. */
  sentinel?: string[];
  /** More of redis-server's own, such as ["--maxmemory", "3mb"]. */
  extra?: string[];
  /** Added to its environment. */
  env?: Record<string, string>;
};

/**
 * Waits for the end of the test process, however it comes (its end of the pipe closes even on SIGKILL), and then ends the
 * server that it started. Jest runs no exit handlers of test files.
 */
export const GUARD = ': >"$0"; "$@" </dev/null >>"$0" 2>&1 & echo $!; read _; kill -KILL $! 2>/dev/null; wait';

/** A real redis-server on a port of 127.0.0.1. Whoever starts one closes it. */
export class RedisServer {
  readonly dir: string;
  readonly port: number;
  readonly #options: RedisServerOptions;
  #guard: ChildProcess | undefined;
  #pid = 0;
  #busPort: number | undefined;

  constructor(dir: string, port: number, options: RedisServerOptions) {
    this.dir = dir;
    this.port = port;
    this.#options = options;
  }

  get url(): string {
    const { password, tls } = this.#options;
    return `redis${tls ? "s" : ""}://${password ? `:${encodeURIComponent(password)}@` : ""}127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#pid;
  }

  get #log(): string {
    return join(this.dir, "redis.log");
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const binary = await findRedis();
    const settings = await this.#settings();
    this.#guard = spawn("sh", ["-c", GUARD, this.#log, binary.command, ...settings], {
      env: { ...env, ...libraryPath(binary), ...this.#options.env },
      stdio: ["pipe", "pipe", "ignore"],
    });
    const [line] = await once(this.#guard.stdout!, "data");
    this.#pid = Number(String(line));
    await this.#untilItAnswers();
  }

  async #settings(): Promise<string[]> {
    const { password, appendonly = true, tls, sentinel, isClusterNode = false, extra = [] } = this.#options;
    const settings = [tls ? "--tls-port" : "--port", `${this.port}`, "--bind", "127.0.0.1", "--dir", this.dir];
    if (password) settings.push("--requirepass", password);
    if (tls) settings.push("--port", "0", ...(await this.#certificate(tls)));
    if (sentinel) {
      // It keeps what it knows in its configuration.
      const file = join(this.dir, "sentinel.conf");
      await writeFile(file, sentinel.join("\n"), { flag: "wx" }).catch(() => {});
      return [file, "--sentinel", ...settings, ...extra];
    }
    settings.push("--save", "", "--appendonly", appendonly ? "yes" : "no", "--enable-debug-command", "local");
    // everysec holds writes back while the disk is busy, up to two seconds, and loses them with the process.
    settings.push("--appendfsync", "always");
    if (isClusterNode) {
      this.#busPort ??= await freePort(); // not 10,000 above the other, where there may be no port any more
      settings.push("--cluster-enabled", "yes", "--cluster-port", `${this.#busPort}`);
    }
    return [...settings, ...extra];
  }

  async #certificate(tls: "one-sided" | "mutual"): Promise<string[]> {
    const [cert, key] = [join(this.dir, "cert.pem"), join(this.dir, "key.pem")];
    await Promise.all([writeFile(cert, CERT), writeFile(key, KEY)]);
    const asks = tls === "mutual" ? "yes" : "no";
    return ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", asks];
  }

  async #untilItAnswers(): Promise<void> {
    for (let patience = 30_000; patience > 0; patience -= 20) {
      const log = await readFile(this.#log, "utf8");
      // The log too: what answers on the port may be another server that kept this one from starting.
      const isSaid = /Ready to accept connections|Sentinel ID is/.test(log);
      if (isSaid && (this.#options.tls || /^[+]PONG|^-NOAUTH/.test(await ping(this.port)))) return;
      if (/Address already in use|Bad file format|FATAL|Fatal/.test(log)) break;
      await sleep(20);
    }
    const log = await readFile(this.#log, "utf8");
    throw new Error(`redis-server on port ${this.port} does not answer:\n${log.slice(-2_000)}`);
  }

  /** It keeps its connections, takes bytes and answers nothing until `continue`. */
  stop(): void {
    kill(this.#pid, "SIGSTOP");
  }

  continue(): void {
    kill(this.#pid, "SIGCONT");
  }

  /** As a crash: resolves when the process is gone. The data directory stays. */
  async kill9(): Promise<void> {
    const guard = this.#guard;
    if (!guard) return;
    this.#guard = undefined;
    const gone = once(guard, "exit");
    guard.stdin!.end();
    await gone;
  }

  /** As `kill9`, then the same server again on the same port and data. */
  async restart(): Promise<void> {
    await this.kill9();
    await this.start();
  }

  async close(): Promise<void> {
    await this.kill9();
    if (!this.#options.dir) await rm(this.dir, { recursive: true, force: true });
  }
}

/** Somebody may take a port between its choice and its use: then with another one. */
const TRIES = 3;

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let tries = 1; ; tries++) {
    const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "oncegate-redis-")));
    const server = new RedisServer(dir, options.port ?? (await freePort()), options);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.close();
      if (options.port !== undefined || tries === TRIES || !String(error).includes("Address already in use"))
        throw error;
    }
  }
}

/** All or none: where one cannot be started the others are closed. */
export async function startTogether(starts: Promise<RedisServer>[]): Promise<RedisServer[]> {
  const ends = await Promise.allSettled(starts);
  const started = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed === undefined) return started;
  await Promise.all(started.map((server) => server.close()));
  throw failed.reason;
}

/** Whoever asks for any port gets one above these, on Linux from 32768: so nobody takes it by chance before its user does. */
const BELOW_EPHEMERAL = [15_000, 32_768] as const;

/** A port of 127.0.0.1 on which nobody listens. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(...BELOW_EPHEMERAL);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error("no port is free");
}

async function ping(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once("error", () => resolve(""));
    socket.once("close", () => resolve(""));
  });
}
