import type { Ending, Entry, FaultEntry, Loss } from "../history.ts";
import type { Behaviour } from "../upstream/behaviour.ts";
import type { LedgerLine } from "../upstream/ledger.ts";

type Who = { tenant: string; key: string; body: string; credential: string; gateway: string };
type Answered = Extract<Ending, { kind: "answer" }>;

/** A history and a ledger made by hand: a run in which one thing after the other happens, 100 ms apart. */
export class Story {
  readonly history: Entry[] = [];
  readonly ledger: LedgerLine[] = [];
  #at = 0;
  #attempts = 0;

  #next(): number {
    return (this.#at += 100);
  }

  /** The upstream got a request and did this; resolves to nothing that a gateway knows. */
  upstream(
    did: "acted" | "declined" | "nothing",
    {
      request = "r1",
      answer = "a1",
      bytes = 10,
      behaviour = "answers",
      answers = did !== "nothing",
      ...who
    }: Partial<Who> & {
      request?: string;
      answer?: string;
      bytes?: number;
      behaviour?: Behaviour["kind"];
      answers?: boolean;
    } = {},
  ): this {
    this.ledger.push({ what: "received", request, at: this.#next(), behaviour, ...ALICE, ...who });
    const line = { request, at: this.#next(), answer };
    if (did === "acted") this.ledger.push({ what: did, status: 201, bytes, ...line });
    if (did === "declined") this.ledger.push({ what: did, status: 422, ...line });
    if (answers) this.ledger.push({ what: "answered", request, at: this.#next() });
    return this;
  }

  /** A client asked and this is how it ended. */
  client(ending: Ending, { isFinal = false, ...who }: Partial<Who> & { isFinal?: boolean } = {}): this {
    const id = this.#attempts++;
    this.history.push({ what: "attempt", id, at: this.#next(), ...ALICE, ...who, isFinal });
    this.history.push({ what: "ended", id, at: this.#next(), ending });
    return this;
  }

  /** The same in the final retries. */
  atTheEnd(ending: Ending, who: Partial<Who> = {}): this {
    return this.client(ending, { ...who, isFinal: true });
  }

  /** A fault that lasts from now on for so long; what happens next happens in it. */
  fault(kind: string, target: string, ms = 100): this {
    const fault: FaultEntry = { what: "fault", kind, target, at: this.#at, until: this.#at + ms };
    this.history.push(fault);
    return this;
  }

  /**
   * The store loses everything, or what it wrote in the last so many ms; `accepted`: an operator says that operations may go on;
   * `during`: a client that asked before, and how it ended meanwhile.
   */
  loss(
    extent: Loss["extent"],
    { lastMs = 0, accepted = true, during }: { lastMs?: number; accepted?: boolean; during?: Ending } = {},
  ): this {
    if (during !== undefined) {
      const id = this.#attempts++;
      this.history.push({ what: "attempt", id, at: this.#next(), ...ALICE, isFinal: false });
      this.history.push({ what: "ended", id, at: this.#at + 200, ending: during });
    }
    const [from, lostAt] = [this.#at - lastMs, this.#next()];
    const acceptedAt = accepted ? { acceptedAt: this.#next() } : {};
    this.history.push({ what: "loss", kind: `redis-${extent}`, extent, from, lostAt, ...acceptedAt });
    return this;
  }

  /** Of the loss that nobody accepted yet. */
  acceptLoss(): this {
    const loss = this.history.find((entry) => entry.what === "loss");
    if (loss !== undefined) loss.acceptedAt = this.#next();
    return this;
  }

  later(ms: number): this {
    this.#at += ms;
    return this;
  }

  note(entry: Entry): this {
    this.history.push(entry);
    return this;
  }
}

const ALICE: Who = { tenant: "alice", key: "k", body: "b1", credential: "c1", gateway: "gateway-0" };

export const created: Answered = {
  kind: "answer",
  status: 201,
  replayed: false,
  stored: true,
  cookie: true,
  body: "a1",
};
export const replayed: Answered = { ...created, replayed: true, cookie: false };
export const refused = (status: number, code: string): Answered => ({
  ...replayed,
  replayed: false,
  status,
  code,
  body: code,
});
export const unknown = refused(409, "outcome-unknown");
export const inFlight = refused(409, "operation-in-flight");
export const broken: Ending = { kind: "broken", why: "ECONNRESET" };
