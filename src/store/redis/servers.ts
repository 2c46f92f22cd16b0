import { StoreError } from "../records.ts";
import type { Argument, Connection, Reply } from "./connection.ts";
import type { Discovery, Layout } from "./discovery.ts";
import { slotOf, USED_KEYS } from "./layout.ts";
import type { Script } from "./scripts.ts";
import { Redirection } from "./trouble.ts";

/** How soon somebody else is looked for where a master is gone. */
const LOOK_EVERY = 250;
/** Also while all is well: a master that was cut off from its Sentinels may not know that it is none any more. */
const LOOK_ANYWAY = 5_000;
/** A slot may have moved on while it was looked up, and be moving again. */
const MOST_REDIRECTIONS = 3;

const USED_SLOTS = USED_KEYS.map(slotOf);

export type ServersSettings = {
  /** Known beforehand where there is but one server. */
  layout: Layout;
  discover: Discovery | undefined;
  connect: (place: string) => Connection;
};

/**
 * The masters that hold the records: one server, the one that Sentinels name, or those of a cluster. Follows them by itself;
 * while there is none for a key, whatever is asked of it is `unsent`.
 */
export class Servers {
  readonly #settings: ServersSettings;
  readonly #connections = new Map<string, Connection>();
  readonly #closing = new AbortController();
  readonly #look: NodeJS.Timeout;
  #layout: Layout;
  #looking: Promise<void> | undefined;
  #lookedAt = 0;
  /** Somebody refused or did not answer: it may not be master any more. */
  #isDoubted = false;
  #trouble = "nobody has said yet where Redis is";

  constructor(settings: ServersSettings) {
    this.#settings = settings;
    this.#layout = [];
    this.#adopt(settings.layout);
    this.#look = setInterval(() => this.#lookAround(), LOOK_EVERY).unref();
    this.#lookAround();
  }

  /** The clock of the server that holds the key: each has its own. */
  time(key: string): number {
    return this.#connectionTo(this.#layout[slotOf(key)]).time();
  }

  run<Answer extends string>(
    script: Script<Answer>,
    keys: readonly [string, ...string[]],
    args: readonly Argument[],
  ): Promise<Reply<Answer>> {
    return this.#withHolder(keys[0], (connection, isAsking) => connection.run(script, keys, args, isAsking));
  }

  /** `key` first among its arguments. */
  command(name: string, key: string, ...args: Argument[]): Promise<unknown> {
    return this.#withHolder(key, (connection, isAsking) => connection.command(name, [key, ...args], isAsking));
  }

  /** All that hold records, each with a key of its own. Throws StoreError while there is a slot without a master. */
  masters(): { connection: Connection; key: string }[] {
    const keys = new Map(USED_KEYS.map((key) => [this.#layout[slotOf(key)], key]));
    return Array.from(keys, ([place, key]) => ({ connection: this.#connectionTo(place), key }));
  }

  async close(): Promise<void> {
    clearInterval(this.#look);
    this.#closing.abort();
    await this.#looking;
    await Promise.all(Array.from(this.#connections.values(), (connection) => connection.close()));
  }

  /** A redirection is a refusal: nothing was done, and what is sent again is sent once. */
  async #withHolder<Answer>(
    key: string,
    send: (connection: Connection, isAsking: boolean) => Promise<Answer>,
  ): Promise<Answer> {
    const slot = slotOf(key);
    let place = this.#layout[slot];
    let isAsking = false;
    for (let redirections = 0; ; redirections++) {
      try {
        return await send(this.#connectionTo(place), isAsking);
      } catch (error) {
        const isOnTheMove = error instanceof Redirection && !error.isForGood;
        if (!isOnTheMove) this.#isDoubted = true;
        if (!(error instanceof Redirection) || redirections === MOST_REDIRECTIONS) throw error;
        place = error.to;
        isAsking = isOnTheMove;
        if (!isOnTheMove) this.#layout[slot] = place;
      }
    }
  }

  #connectionTo(place: string | undefined): Connection {
    if (this.#closing.signal.aborted) throw new StoreError("unsent", "Redis has been closed");
    if (place === undefined) throw new StoreError("unsent", this.#trouble);
    const known = this.#connections.get(place) ?? this.#settings.connect(place);
    this.#connections.set(place, known);
    return known;
  }

  #lookAround(): void {
    const { discover } = this.#settings;
    if (discover === undefined || this.#looking !== undefined) return;
    const isWell = !this.#isDoubted && this.#isComplete();
    if (isWell && performance.now() - this.#lookedAt < LOOK_ANYWAY) return;
    this.#looking = this.#discover(discover).finally(() => (this.#looking = undefined));
  }

  async #discover(discover: Discovery): Promise<void> {
    this.#isDoubted = false;
    try {
      const layout = await discover([...this.#connections.keys()], this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      this.#adopt(layout);
      this.#trouble = "no server of the Redis cluster holds this record's slot";
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#trouble = error.message;
    }
    this.#lookedAt = performance.now();
  }

  #isComplete(): boolean {
    return USED_SLOTS.every((slot) => this.#connections.get(this.#layout[slot] ?? "")?.isUp);
  }

  #adopt(layout: Layout): void {
    this.#layout = layout;
    const named = new Set(USED_SLOTS.map((slot) => layout[slot]).filter((place) => place !== undefined));
    for (const place of named) this.#connectionTo(place);
    for (const [place, connection] of this.#connections) {
      if (named.has(place)) continue;
      this.#connections.delete(place);
      void connection.close();
    }
  }
}
