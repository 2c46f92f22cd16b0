import { setImmediate } from "node:timers/promises";
import { StoreError } from "../records.ts";
import type { Argument } from "./compact-command.ts";
import type { Connection, Reply } from "./connection.ts";
import { replicasInStep } from "./greeting.ts";
import type { Script } from "./scripts.ts";

/** Replicas that are in step answer in milliseconds. A claim is sent three times at most before its client is told 503. */
const WAIT_MS = 500;

/** `on`: the connection that was waited on, as `Connection.made` has it. */
type Waited = { on: number; replicas: number };

/**
 * One master. Where replicas must have a write before it counts, writes go through a connection of their own: WAIT holds up what
 * stands behind it, and renewals must not be held up.
 */
export class Master {
  readonly #asking: Connection;
  readonly #writing: Connection;
  readonly #replicas: number;
  /** Gathers writes until it is sent, behind the one that is under way. */
  #nextWait: Promise<Waited> | undefined;
  #wait: Promise<unknown> = Promise.resolve();

  /** `replicas`: how many must have a write before it counts. */
  constructor(connect: () => Connection, replicas: number) {
    this.#asking = connect();
    this.#writing = replicas === 0 ? this.#asking : connect();
    this.#replicas = replicas;
  }

  get isUp(): boolean {
    return this.#asking.isUp && this.#writing.isUp;
  }

  time(): number {
    return this.#asking.time();
  }

  /** Resolves when enough replicas have it too, where the answer says that it wrote what must not be lost. */
  run<Answer extends string>(
    script: Script<Answer>,
    keys: readonly string[],
    args: readonly Argument[],
    isAsking: boolean,
  ): Promise<Reply<Answer>> {
    const isAlone = this.#replicas === 0 || script.lasting.length === 0;
    return isAlone ? this.#asking.run(script, keys, args, isAsking) : this.#runLastingly(script, keys, args, isAsking);
  }

  async #runLastingly<Answer extends string>(
    script: Script<Answer>,
    keys: readonly string[],
    args: readonly Argument[],
    isAsking: boolean,
  ): Promise<Reply<Answer>> {
    const on = this.#writing.made;
    const reply = await this.#writing.run(script, keys, args, isAsking);
    if (script.lasting.includes(reply.answer)) await this.#replicated(on);
    return reply;
  }

  /** What it wrote, and what it read, enough replicas have too. */
  async lastingly(name: string, args: readonly Argument[], isAsking: boolean): Promise<unknown> {
    const on = this.#writing.made;
    const reply = await this.#writing.command(name, args, isAsking);
    await this.#replicated(on);
    return reply;
  }

  ask(name: string, args: readonly Argument[] = [], isAsking = false): Promise<unknown> {
    return this.#asking.command(name, args, isAsking);
  }

  /** Throws StoreError where there are too few replicas for any write to count. */
  async checkReplicas(): Promise<void> {
    if (this.#replicas === 0) return;
    const inStep = replicasInStep(String(await this.ask("INFO", ["replication"])));
    if (inStep >= this.#replicas) return;
    throw new StoreError(
      "unsent",
      `Redis at ${this.#asking.place} has too few replicas in step, ${inStep} of ${this.#replicas}: add some, or set ONCEGATE_REDIS_WAIT_REPLICAS`,
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#asking.close(), this.#writing.close()]);
  }

  /** `on`: the connection that the write was sent through. WAIT on another would count nothing, and say that all is well. */
  async #replicated(on: number): Promise<void> {
    if (this.#replicas === 0) return;
    const waited = await (this.#nextWait ??= this.#waitAgain()).catch(() => undefined);
    if (waited?.on === on && waited.replicas >= this.#replicas) return;
    const heard = waited?.on === on ? `${waited.replicas} of ${this.#replicas}` : "none";
    throw new StoreError(
      "ambiguous",
      `Redis at ${this.#writing.place} has too few replicas that say they have a write: ${heard}`,
    );
  }

  /** One WAIT is for every write that was answered before it is sent. */
  async #waitAgain(): Promise<Waited> {
    await this.#wait.catch(() => {});
    await setImmediate(); // the answers that arrived together
    this.#nextWait = undefined;
    const on = this.#writing.made;
    const replicas = this.#writing.command("WAIT", [this.#replicas, WAIT_MS]);
    this.#wait = replicas;
    return { on, replicas: Number(await replicas) };
  }
}
