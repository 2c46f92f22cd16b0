import { Redis } from "ioredis";
import { StoreError } from "../records.ts";
import { RedisClock } from "./clock.ts";
import { ANSWER_TIMEOUT, BYTES_PER_MS } from "./connect.ts";
import type { Server } from "./connect.ts";
import type { Script } from "./scripts.ts";
import { inWords, storeError } from "./trouble.ts";

export type Reply<Answer> = { answer: Answer; at: number; value: Buffer | undefined };
type Argument = string | number | Buffer;

/** `#!lua` flags and the rest of what the scripts use came with 7.0 (Valkey says 7.2). */
const OLDEST_MAJOR = 7;

/** How often a connection is looked at. One that idles is asked for the time: so a dead one shows, and clocks cannot drift. */
const LOOK_EVERY = 500;
const IDLE = 5_000;

/**
 * One connection that keeps trying by itself. Nothing is sent through it before the server behind it has been greeted, anew
 * after every reconnection: that it is a Redis we can use, and what its clock says.
 */
export class Connection {
  readonly #redis: Redis;
  readonly #place: string;
  readonly #mayEvict: boolean;
  readonly #look: NodeJS.Timeout;
  #clock = new RedisClock();
  #isGreeted = false;
  #isClosed = false;
  /** Counts connections: the end of a greeting may arrive when the next connection is there already. */
  #made = 0;
  #trouble = "is not connected yet";
  #lastHeard = 0;

  constructor({ place, options }: Server, mayEvict: boolean) {
    this.#place = place;
    this.#mayEvict = mayEvict;
    this.#redis = new Redis(options);
    this.#redis.on("ready", () => void this.#greet());
    this.#redis.on("close", () => this.#lose());
    this.#redis.on("error", (error: unknown) => {
      this.#trouble = inWords(error);
    });
    this.#look = setInterval(() => void this.#lookAfter(), LOOK_EVERY).unref();
  }

  time(): number {
    const time = this.#clock.time();
    if (time === undefined) throw this.#unsent();
    return time;
  }

  async run<Answer extends string>(
    script: Script<Answer>,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<Reply<Answer>> {
    this.#mayAsk();
    const [word, at, value] = listOf(await this.#evaluate(script, [keys.length, ...keys, ...args]));
    const answer = script.answers.find((one) => one === String(word));
    if (answer === undefined || typeof at !== "number")
      throw new StoreError(
        "ambiguous",
        `Redis at ${this.#place} gave an answer that is not one of Oncegate's scripts'`,
      );
    this.#hear(at);
    return { answer, at, value: Buffer.isBuffer(value) ? value : undefined };
  }

  async command(name: string, ...args: Argument[]): Promise<unknown> {
    this.#mayAsk();
    return this.#send(name, args);
  }

  /** What is under way ends as ambiguous. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#look);
    // Between two tries there is no socket whose end would be told.
    const ended = ["end", "wait", "reconnecting"].includes(this.#redis.status)
      ? undefined
      : new Promise((resolve) => this.#redis.once("end", resolve));
    this.#redis.disconnect();
    await ended;
  }

  #mayAsk(): void {
    if (this.#isClosed || !this.#isGreeted) throw this.#unsent();
  }

  #unsent(): StoreError {
    return new StoreError("unsent", `Redis at ${this.#place} ${this.#isClosed ? "has been closed" : this.#trouble}`);
  }

  async #evaluate({ text, sha }: Script<string>, rest: readonly Argument[]): Promise<unknown> {
    try {
      return await this.#call("EVALSHA", [sha, ...rest]);
    } catch (error) {
      // Nothing ran. A server forgets scripts when it restarts, fails over or is told to.
      if (Error.isError(error) && error.message.startsWith("NOSCRIPT")) return this.#send("EVAL", [text, ...rest]);
      throw storeError(this.#place, error);
    }
  }

  async #send(name: string, args: readonly Argument[]): Promise<unknown> {
    try {
      return await this.#call(name, args);
    } catch (error) {
      throw storeError(this.#place, error);
    }
  }

  /** ioredis's own limit is the same for every command, whatever it carries. */
  #call(name: string, args: readonly Argument[]): Promise<unknown> {
    const bytes = args.reduce<number>((sum, arg) => sum + (typeof arg === "number" ? 8 : arg.length), 0);
    return new Promise((resolve, reject) => {
      const limit = ANSWER_TIMEOUT + bytes / BYTES_PER_MS;
      const late = setTimeout(() => reject(new Error("Command timed out")), limit);
      void this.#redis
        .callBuffer(name, ...args)
        .then(resolve, reject)
        .finally(() => clearTimeout(late));
    });
  }

  async #greet(): Promise<void> {
    const made = this.#made;
    try {
      const [info, time] = await Promise.all([this.#call("INFO", []), this.#call("TIME", [])]);
      if (made !== this.#made) return;
      const reason = unfitness(String(info), this.#mayEvict);
      if (reason === undefined) {
        // Another server may be behind the same address now, and its clock behind the last one's.
        this.#clock = new RedisClock();
        this.#hearTime(time);
        this.#isGreeted = true;
      } else this.#trouble = reason;
    } catch (error) {
      if (made === this.#made) this.#trouble = inWords(error);
    }
  }

  #lose(): void {
    this.#made++;
    if (this.#isGreeted) this.#trouble = "lost the connection";
    this.#isGreeted = false;
  }

  async #lookAfter(): Promise<void> {
    if (this.#redis.status !== "ready") return;
    if (!this.#isGreeted) return this.#greet();
    if (performance.now() - this.#lastHeard < IDLE) return;
    const time = await this.#send("TIME", []).catch(() => undefined);
    if (time !== undefined) this.#hearTime(time);
  }

  #hearTime(reply: unknown): void {
    const [seconds, microseconds] = listOf(reply).map(Number);
    this.#hear(seconds! * 1_000 + Math.floor(microseconds! / 1_000));
  }

  #hear(at: number): void {
    this.#lastHeard = performance.now();
    this.#clock.hear(at);
  }
}

/** Why the server that gave this INFO cannot be used, or cannot yet. */
function unfitness(info: string, mayEvict: boolean): string | undefined {
  const version = /^redis_version:((\d+)[\d.]*)/m.exec(info);
  if (Number(version?.[2] ?? 0) < OLDEST_MAJOR)
    return `is version ${version?.[1] ?? "unknown"}; Oncegate needs ${OLDEST_MAJOR}.0 or later, or Valkey`;
  // INFO says it where hosted servers forbid CONFIG.
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? "noeviction";
  if (policy !== "noeviction" && !mayEvict)
    return `evicts records when it is full (maxmemory-policy ${policy}), and a lost record is a second invoice: set noeviction, or ONCEGATE_ALLOW_UNSAFE_STORE`;
  return /^loading:1/m.test(info) ? "is still loading its data" : undefined;
}

function listOf(reply: unknown): unknown[] {
  return Array.isArray(reply) ? reply : [];
}
