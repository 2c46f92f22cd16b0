import { StoreError } from "../records.ts";
import type { Argument } from "./compact-command.ts";
import type { Reply } from "./connection.ts";
import type { Discovery, Slots } from "./discovery.ts";
import { slotOf, USED_KEYS } from "./layout.ts";
import type { Master } from "./master.ts";
import type { Script } from "./scripts.ts";
import { Redirection, UnreadableRecord } from "./trouble.ts";

/** How soon somebody else is looked for where a master is gone. */
const LOOK_EVERY = 250;
/** A slot may have moved on while it was looked up, and be moving again. */
const MOST_REDIRECTIONS = 3;

const USED_SLOTS = USED_KEYS.map(slotOf);

export type ServersSettings = {
  /** Known beforehand where there is but one server. */
  slots: Slots;
  discover: Discovery | undefined;
  /** How often somebody else is looked for while all is well. */
  lookEvery: number;
  connect: (place: string) => Master;
};

/**
 * The masters that hold the records: one server, the one that Sentinels name, or those of a cluster. Follows them by itself;
 * while there is none for a key, whatever is asked of it is `unsent`.
 */
export class Servers {
  readonly #settings: ServersSettings;
  readonly #masters = new Map<string, Master>();
  readonly #closing = new AbortController();
  readonly #look: NodeJS.Timeout;
  #slots: Slots;
  #looking: Promise<void> | undefined;
  #lookedAt = 0;
  /** Somebody refused or did not answer: it may not be master any more. */
  #isDoubted = false;
  #trouble = "Redis is not connected yet";

  constructor(settings: ServersSettings) {
    this.#settings = settings;
    this.#slots = [];
    this.#adopt(settings.slots);
    this.#look = setInterval(() => this.#lookAround(), LOOK_EVERY).unref();
    this.#lookAround();
  }

  /** The clock of the server that holds the key: each has its own. */
  time(key: string): number {
    return this.#masterAt(this.#slots[slotOf(key)]).time();
  }

  run<Answer extends string>(
    script: Script<Answer>,
    keys: readonly [string, ...string[]],
    args: readonly Argument[],
  ): Promise<Reply<Answer>> {
    return this.#withHolder(keys[0], (master, isAsking) => master.run(script, keys, args, isAsking));
  }

  /** Any other command, of the server that holds the key. */
  ask(key: string, name: string, ...args: Argument[]): Promise<unknown> {
    return this.#withHolder(key, (master, isAsking) => master.ask(name, args, isAsking));
  }

  /** `key` first among its arguments. What it wrote, and what it read, enough replicas have too. */
  lastingly(name: string, key: string, ...args: Argument[]): Promise<unknown> {
    return this.#withHolder(key, (master, isAsking) => master.lastingly(name, [key, ...args], isAsking));
  }

  /** All that hold records, each with a key of its own. Throws StoreError while there is a slot without a master. */
  masters(): { master: Master; key: string }[] {
    const keys = new Map(USED_KEYS.map((key) => [this.#slots[slotOf(key)], key]));
    return Array.from(keys, ([place, key]) => ({ master: this.#masterAt(place), key }));
  }

  async close(): Promise<void> {
    clearInterval(this.#look);
    this.#closing.abort();
    await this.#looking;
    await Promise.all(Array.from(this.#masters.values(), (master) => master.close()));
  }

  /** A redirection is a refusal: nothing was done, and what is sent again is sent once. */
  async #withHolder<Answer>(
    key: string,
    send: (master: Master, isAsking: boolean) => Promise<Answer>,
  ): Promise<Answer> {
    const slot = slotOf(key);
    let place = this.#slots[slot];
    let isAsking = false;
    for (let redirections = 0; ; redirections++) {
      try {
        return await send(this.#masterAt(place), isAsking);
      } catch (error) {
        const isOnTheMove = error instanceof Redirection && !error.isForGood;
        if (!isOnTheMove && !(error instanceof UnreadableRecord)) this.#isDoubted = true;
        if (!(error instanceof Redirection) || redirections === MOST_REDIRECTIONS) throw error;
        place = error.to;
        isAsking = isOnTheMove;
        if (!isOnTheMove) this.#slots[slot] = place;
      }
    }
  }

  #masterAt(place: string | undefined): Master {
    if (this.#closing.signal.aborted) throw new StoreError("unsent", "Redis has been closed");
    if (place === undefined) throw new StoreError("unsent", this.#trouble);
    const known = this.#masters.get(place) ?? this.#settings.connect(place);
    this.#masters.set(place, known);
    return known;
  }

  #lookAround(): void {
    const { discover, lookEvery } = this.#settings;
    if (discover === undefined || this.#looking !== undefined) return;
    const isWell = !this.#isDoubted && this.#isComplete();
    if (isWell && performance.now() - this.#lookedAt < lookEvery) return;
    this.#looking = this.#discover(discover).finally(() => (this.#looking = undefined));
  }

  async #discover(discover: Discovery): Promise<void> {
    this.#isDoubted = false;
    try {
      const slots = await discover([...this.#masters.keys()], this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      this.#adopt(slots);
      this.#trouble = "no server of the Redis cluster holds this record's slot";
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#trouble = error.message;
    }
    this.#lookedAt = performance.now();
  }

  #isComplete(): boolean {
    return USED_SLOTS.every((slot) => this.#masters.get(this.#slots[slot] ?? "")?.isUp);
  }

  #adopt(slots: Slots): void {
    this.#slots = slots;
    const named = new Set(USED_SLOTS.map((slot) => slots[slot]).filter((place) => place !== undefined));
    for (const place of named) this.#masterAt(place);
    for (const [place, master] of this.#masters) {
      if (named.has(place)) continue;
      this.#masters.delete(place);
      void master.close();
    }
  }
}
