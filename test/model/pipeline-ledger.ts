import { Readable } from "node:stream";
import type { Answer } from "../../src/domain/replay.ts";
import type { Execution } from "../../src/upstream/try.ts";
import type { Asked } from "./pipeline-client.ts";
import type { Lane } from "./pipeline-time.ts";

/**
 * What the API does with a request. `stored`, `failed`: acts and answers 201 or 500; `released`: answers 422, which says that it did
 * not begin; `doubted`: a proxy answers 503 in its place; `large`: an answer too large to keep; `acted`, `vanished`: the
 * connection breaks after it acted, or before; `unreachable`, `unsendable`: nothing is sent;
 * `fault`: nobody expected it, and the API acted.
 */
export const FATES = [
  "stored",
  "failed",
  "released",
  "doubted",
  "large",
  "acted",
  "vanished",
  "unreachable",
  "unsendable",
  "fault",
] as const;
export type Fate = (typeof FATES)[number];

/** One execution: a request whose first byte left. */
export type Sent = {
  asked: Asked;
  hasActed: boolean;
  answer: Answer;
  /** What was sent before for the same operation, and was not undone by then. */
  besides: readonly Sent[];
  /** The gateway has heard that it did not begin, or a person who looked has said so: the key may be used again. */
  isUndone: boolean;
  /** A person looked before it could be seen, and said that nothing came of it. */
  isOverlooked: boolean;
  /** How it ended for its gateway; undefined while it runs. */
  execution: Execution | undefined;
};

const STATUS = {
  stored: 201,
  failed: 500,
  released: 422,
  doubted: 503,
  large: 201,
  acted: 201,
  vanished: 201,
  fault: 201,
};

/** The API behind all gateways, and its book of what was sent to it. */
export class Ledger {
  readonly sent: Sent[] = [];
  readonly #lane: Lane;

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  async execute(asked: Asked, maySend: () => boolean): Promise<Execution> {
    const { fate } = asked.ask;
    const { gateway } = asked;
    await this.#lane.travel(`${gateway.id} reaches the API`);
    if (gateway.link.isDead) return new Promise(() => {});
    if (fate === "unreachable" || fate === "unsendable") return { kind: "never-sent", reason: fate, why: fate };
    if (!maySend()) return { kind: "never-sent", reason: "lease-over", why: "the lease is over" };
    const one = this.#write(asked, fate);
    await this.#lane.travel(`the API answers ${gateway.id}`);
    if (gateway.link.isDead) return new Promise(() => {});
    if (fate === "fault") throw new TypeError("nobody thought of this");
    one.execution = ending(fate, one.answer);
    if (fate === "released") one.isUndone = true;
    return one.execution;
  }

  #write(asked: Asked, fate: keyof typeof STATUS): Sent {
    const number = this.sent.length + 1;
    const headers = [
      "Content-Type",
      "text/plain",
      "Location",
      `/invoices/${number}`,
      "Set-Cookie",
      `session=${number}`,
    ];
    const { key, scope } = asked.ask;
    const one: Sent = {
      asked,
      besides: this.sent.filter(
        (other) => other.asked.ask.key === key && other.asked.ask.scope === scope && !other.isUndone,
      ),
      hasActed: fate !== "vanished" && fate !== "released" && !(fate === "doubted" && number % 2 === 0),
      answer: { status: STATUS[fate], headers, body: Buffer.from(`invoice ${number} \u00ff`, "latin1") },
      isUndone: false,
      isOverlooked: false,
      execution: undefined,
    };
    this.sent.push(one);
    asked.sent = one;
    return one;
  }
}

function ending(fate: Exclude<keyof typeof STATUS, "fault">, answer: Answer): Execution {
  switch (fate) {
    case "stored":
    case "failed":
    case "released":
    case "doubted":
      return { kind: "answered", answer };
    case "large":
      return {
        kind: "overflowed",
        status: answer.status,
        headers: answer.headers,
        body: Readable.from([answer.body]),
      };
    case "acted":
      return { kind: "lost", reason: "upstream-silent", why: "silence" };
    case "vanished":
      return { kind: "lost", reason: "upstream-reset", why: "reset" };
  }
}
