import { Budget, Share } from "../../src/budget.ts";
import type { ClaimAnswer } from "../../src/domain/claim.ts";
import type { StoredRecord, Token } from "../../src/domain/record.ts";
import type { PassOn, Reply, Request } from "../../src/request.ts";
import type { Owner } from "../../src/store/owner.ts";
import type { Sent } from "./pipeline-ledger.ts";
import type { StoreLink } from "./pipeline-link.ts";
import type { Ask } from "./pipeline-script.ts";

export type Gateway = {
  id: string;
  link: StoreLink;
  owner: Owner;
  /** In the end nothing runs there, and the store has acknowledged everything. */
  isIdle: boolean;
};

/** A claim that arrived at the store: what stood there then, and what was said. */
export type ClaimMade = { owner: Token; stood: StoredRecord | undefined; answer: ClaimAnswer };

/** One request of a client, and all that is known of it. */
export type Asked = {
  ask: Ask;
  gateway: Gateway;
  request: Request;
  hasLeft: boolean;
  startedAt: number;
  /** When the API's answer was there, or why there is none. */
  executedAt: number | undefined;
  endedAt: number | undefined;
  reply: Reply | PassOn | undefined;
  /** The record of its name in the instant of its reply. */
  recordThen: StoredRecord | undefined;
  failure: unknown;
  /** How often its body was given back to the budget. */
  forgotten: number;
  claims: ClaimMade[];
  /** The last of its claims whose answer its gateway heard. */
  heard: ClaimMade | undefined;
  /** Its execution. */
  sent: Sent | undefined;
};

export function anAsked(ask: Ask, gateway: Gateway, id: string): Asked {
  const body = Buffer.from(`{"total":${ask.body}}`);
  const user = Buffer.from(`customer ${ask.scope}:password ${ask.credential}`).toString("base64");
  const asked: Asked = {
    ask,
    gateway,
    hasLeft: false,
    startedAt: performance.now(),
    executedAt: undefined,
    endedAt: undefined,
    reply: undefined,
    recordThen: undefined,
    failure: undefined,
    forgotten: 0,
    claims: [],
    heard: undefined,
    sent: undefined,
    request: {
      id,
      method: "POST",
      path: "/invoices",
      query: "",
      headers: {
        "idempotency-key": [`key ${ask.key}`],
        "content-type": ["application/json"],
        authorization: [`Basic ${user}`],
        ...(ask.waits > 0 ? { prefer: [`wait=${ask.waits}`] } : {}),
      },
      readBody: async () => ({
        kind: "whole",
        body,
        share: new CountedShare(() => asked.forgotten++),
      }),
      outgoingHeaders: () => [],
      isGone: () => asked.hasLeft,
      facts: {},
    },
  };
  return asked;
}

class CountedShare extends Share {
  readonly #onGivenBack: () => void;

  constructor(onGivenBack: () => void) {
    super(new Budget(Infinity));
    this.#onGivenBack = onGivenBack;
  }

  override giveBack(): void {
    super.giveBack();
    this.#onGivenBack();
  }
}
