import { leaseIsGood } from "../../src/domain/record.ts";
import type { Name, Token } from "../../src/domain/record.ts";
import { enter, renewTurn } from "../../src/domain/turn.ts";
import type { EnterAnswer, Entry, Holder, Place } from "../../src/domain/turn.ts";
import type { Turns } from "../../src/store/turns.ts";

type Queue = { holder: Holder | undefined; line: Place[] };

/** The domain's functions on whole lines in a map: what a store is, without a store. */
export class DomainTurns implements Turns {
  readonly #queues = new Map<Name, Queue>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  advance(ms: number): void {
    for (const { holder, line } of this.#queues.values()) {
      if (holder !== undefined) holder.leaseUntil -= ms;
      for (const place of line) place.leaseUntil -= ms;
    }
  }

  time = (): number => this.#now();

  enter = async (document: Name, entry: Entry): Promise<EnterAnswer> => {
    const queue = this.#queue(document);
    const { owner } = entry;
    const now = this.#now();
    dropDead(queue, owner, now);
    const others = queue.line.filter((place) => place.owner !== owner && leaseIsGood(place, now));
    const line = {
      holder: queue.holder,
      own: queue.line.find((place) => place.owner === owner),
      firstOther: others[0]?.ticket,
      isDeleteWaiting: others.some(({ isDelete }) => isDelete),
      lastTicket: queue.line.at(-1)?.ticket ?? 0,
    };
    const { answer, next } = enter(line, entry, now);
    queue.line = queue.line.filter((place) => place.owner !== owner);
    if (next !== "gone" && "holder" in next) queue.holder = next.holder;
    if (next !== "gone" && "place" in next) {
      queue.line.push(next.place);
      queue.line.sort((one, other) => one.ticket - other.ticket);
    }
    return answer;
  };

  renew = async (document: Name, owner: Token, leaseMs: number): Promise<"renewed" | "lost"> => {
    const queue = this.#queue(document);
    const renewed = renewTurn(queue.holder, owner, leaseMs, this.#now());
    if (renewed === "lost") return renewed;
    queue.holder = renewed;
    return "renewed";
  };

  leave = async (document: Name, owner: Token): Promise<{ next: Token | undefined; at: number }> => {
    const queue = this.#queue(document);
    const at = this.#now();
    queue.line = queue.line.filter((place) => place.owner !== owner);
    if (queue.holder?.owner === owner) queue.holder = undefined;
    dropDead(queue, undefined, at);
    return { next: queue.holder === undefined ? queue.line[0]?.owner : undefined, at };
  };

  #queue(document: Name): Queue {
    const queue = this.#queues.get(document) ?? { holder: undefined, line: [] };
    this.#queues.set(document, queue);
    return queue;
  }
}

function dropDead(queue: Queue, asker: Token | undefined, now: number): void {
  const alive = queue.line.findIndex((place) => place.owner === asker || leaseIsGood(place, now));
  queue.line = alive === -1 ? [] : queue.line.slice(alive);
}
