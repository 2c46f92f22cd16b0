import { expect } from "@jest/globals";
import type { Name, Token } from "../../src/domain/record.ts";
import type { EnterAnswer, Entry } from "../../src/domain/turn.ts";
import type { Store } from "../../src/store/records.ts";
import { anyName, anyOwner, SECOND } from "./operation.ts";

/** Of a turn: as long as there may be, for only `advance` may end it, however slow the disk is. */
export const LEASE = 60 * SECOND;
/** Shorter than half a lease and than the deadline, and far longer than a test takes between two asks. */
export const ALIVE = 24 * SECOND;
export const PATIENCE = 150 * SECOND;

export const HELD: EnterAnswer = { kind: "held" };
export const DELETING: EnterAnswer = { kind: "deleting" };
export const waiting = (ahead: number): EnterAnswer => ({ kind: "waiting", ahead });

export function anEntry(store: Store, document: Name, differing: Partial<Entry> = {}): Entry {
  return {
    owner: anyOwner(),
    name: anyName(),
    isDelete: false,
    leaseMs: LEASE,
    aliveMs: ALIVE,
    deadline: store.turns.time(document) + PATIENCE,
    waitMs: PATIENCE,
    after: undefined,
    ...differing,
  };
}

/** A document on a store, and ways to speak of its queue. */
export function aQueue(store: Store) {
  const document = anyName();
  const ask = (entry: Entry): Promise<EnterAnswer> => store.turns.enter(document, entry);
  return {
    document,
    ask,
    entry: (differing?: Partial<Entry>): Entry => anEntry(store, document, differing),
    /** A new one asks for the first time. */
    enters: async (answer: EnterAnswer, differing?: Partial<Entry>): Promise<Entry> => {
      const entry = anEntry(store, document, differing);
      expect(await ask(entry)).toEqual(answer);
      return entry;
    },
    leaves: async ({ owner }: Entry): Promise<Token | undefined> => (await store.turns.leave(document, owner)).next,
    renews: ({ owner }: Entry) => store.turns.renew(document, owner, LEASE),
  };
}
