import { Redis } from "ioredis";
import { StoreError } from "../records.ts";
import { RedisClock } from "./clock.ts";
import { CompactCommand } from "./compact-command.ts";
import type { Argument } from "./compact-command.ts";
import { addressOf, ANSWER_TIMEOUT } from "./connect.ts";
import type { Options } from "./connect.ts";
import { UNREADABLE } from "./scripts.ts";
import type { Script } from "./scripts.ts";
import { inWords, storeError, UnreadableRecord } from "./trouble.ts";

export type Reply<Answer> = { answer: Answer; at: number; value: Buffer | undefined };

/** How often a connection is looked at. One that idles is asked for the time: so a dead one shows, and clocks cannot drift. */
const LOOK_EVERY = 500;
const IDLE = 5_000;

/**
 * One connection that keeps trying by itself. Nothing is sent through it before the server behind it has been greeted, anew
 * after every reconnection: that it is a Redis we can use, and what its clock says.
 */
export class Connection {
  readonly place: string;
  readonly #redis: Redis;
  readonly #unfitness: (info: string) => string | undefined;
  readonly #look: NodeJS.Timeout;
  #clock = new RedisClock();
  #isGreeted = false;
  #isClosed = false;
  #isGathering = false;
  #made = 0;
  #trouble = "is not connected yet";
  #lastHeard = 0;

  /** `unfitness`: why the server that gave this INFO cannot be used, or cannot yet. */
  constructor(place: string, options: Options, unfitness: (info: string) => string | undefined) {
    this.place = place;
    this.#unfitness = unfitness;
    this.#redis = new Redis({ ...options, ...addressOf(place) });
    this.#redis.on("ready", () => void this.#greet());
    this.#redis.on("close", () => this.#lose());
    this.#redis.on("error", (error: unknown) => {
      this.#trouble = inWords(error);
    });
    this.#look = setInterval(() => void this.#lookAfter(), LOOK_EVERY).unref();
  }

  /** Whether what is asked now is sent. */
  get isUp(): boolean {
    return this.#isGreeted && !this.#isClosed;
  }

  /** Counts connections: what was sent through one may end when the next is there already. */
  get made(): number {
    return this.#made;
  }

  time(): number {
    const time = this.#clock.time();
    if (time === undefined) throw this.#unsent();
    return time;
  }

  /** `isAsking`: after ASK, for a key whose slot is being moved to this server. */
  async run<Answer extends string>(
    script: Script<Answer>,
    keys: readonly string[],
    args: readonly Argument[],
    isAsking = false,
  ): Promise<Reply<Answer>> {
    this.#mayAsk();
    const call = [script.sha, keys.length, ...keys, ...args];
    let reply: unknown;
    try {
      // ioredis looks a name up in lists of lower-case ones, five times for each command.
      reply = await this.#call("evalsha", call, isAsking);
    } catch (error) {
      // Nothing ran. A server forgets scripts when it restarts, fails over or is told to.
      if (!Error.isError(error) || !error.message.startsWith("NOSCRIPT")) throw storeError(this.place, error);
      this.#mayAsk();
      reply = await this.#send("eval", [script.text, ...call.slice(1)], isAsking);
    }
    const [word, at, value] = listOf(reply);
    const said = String(word);
    const answer = script.answers.find((one) => one === said);
    if ((answer === undefined && said !== UNREADABLE) || typeof at !== "number")
      throw new StoreError("ambiguous", `Redis at ${this.place} gave an answer that is not one of Oncegate's scripts'`);
    this.#hear(at);
    if (answer === undefined) throw new UnreadableRecord();
    return { answer, at, value: Buffer.isBuffer(value) ? value : undefined };
  }

  async command(name: string, args: readonly Argument[], isAsking = false): Promise<unknown> {
    this.#mayAsk();
    return this.#send(name, args, isAsking);
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
    if (!this.isUp) throw this.#unsent();
  }

  #unsent(): StoreError {
    return new StoreError("unsent", `Redis at ${this.place} ${this.#isClosed ? "has been closed" : this.#trouble}`);
  }

  async #send(name: string, args: readonly Argument[], isAsking = false): Promise<unknown> {
    try {
      return await this.#call(name, args, isAsking);
    } catch (error) {
      throw storeError(this.place, error);
    }
  }

  #call(name: string, args: readonly Argument[], isAsking = false): Promise<unknown> {
    this.#gather();
    // It holds for the one command behind it; where it fails, so does that.
    if (isAsking) void this.#redis.call("ASKING").catch(() => {});
    const command = new CompactCommand(name, args, ANSWER_TIMEOUT);
    void this.#redis.sendCommand(command);
    return command.promise;
  }

  /** What is asked in one turn of the event loop leaves in one write, which costs more than all else of a command. */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    const { stream } = this.#redis;
    stream?.cork();
    setImmediate(() => {
      this.#isGathering = false;
      stream?.uncork();
    });
  }

  async #greet(): Promise<void> {
    const made = this.#made;
    try {
      const unfit = this.#unfitness(String(await this.#call("INFO", [])));
      const time = unfit === undefined ? await this.#call("TIME", []) : undefined;
      if (made !== this.#made) return;
      if (unfit !== undefined) {
        this.#trouble = unfit;
        return;
      }
      // Another server may be behind the same address now, and its clock behind the last one's.
      this.#clock = new RedisClock();
      this.#hearTime(time);
      this.#isGreeted = true;
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

function listOf(reply: unknown): unknown[] {
  return Array.isArray(reply) ? reply : [];
}
