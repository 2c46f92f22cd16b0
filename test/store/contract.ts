import { afterEach, beforeEach, describe } from "@jest/globals";
import type { Store } from "../../src/store/records.ts";
import { claiming } from "./contract-claiming.ts";
import { continuing } from "./contract-continuity.ts";
import { differing } from "./contract-differential.ts";
import { keeping } from "./contract-keeping.ts";
import { originating } from "./contract-originals.ts";
import { resolving } from "./contract-resolving.ts";
import { settling } from "./contract-settling.ts";
import { queueing } from "./contract-turns.ts";

/** One store with nothing in it, and what a test may do to it. A new one for every test. */
export type StoreFixture = {
  /** Another handle on the same data, as another process would have it. The suite closes it. */
  open(options?: Opening): Promise<Store>;
  /** Makes everything stored `ms` older (leases, expiry, start): time moves without sleeping. */
  advance(ms: number): Promise<void>;
  /**
   * The store's process or thread dies (kill -9 where it is one) and comes back with its data. Handles made before may be
   * unusable afterwards, but can still be closed: the suite opens new ones.
   */
  restart(): Promise<void>;
  /** Everything stored is gone, while handles are open. */
  empty(): Promise<void>;
  /** Resolves to what brings back, while handles are open, exactly what is stored now. */
  snapshot(): Promise<() => Promise<void>>;
  destroy(): Promise<void>;
};

export type Opening = {
  /** How often what is over is removed, where not as rarely as a store does by itself. */
  sweepEveryMs?: number;
  pinnedId?: string | undefined;
};

/** What every store promises, whatever it is made of. A new guarantee is a new test in here first. */
export function storeContract(name: string, create: () => Promise<StoreFixture>): void {
  describe(`${name} store`, () => {
    let fixture: StoreFixture;
    let opened: Store[];

    beforeEach(async () => {
      opened = [];
      fixture = await create();
    });
    afterEach(async () => {
      await Promise.allSettled(opened.map((store) => store.close()));
      await fixture.destroy();
    });

    const open: StoreFixture["open"] = async (options) => {
      const store = await fixture.open(options);
      opened.push(store);
      return store;
    };
    const given: Given = {
      open,
      advance: (ms) => fixture.advance(ms),
      restart: () => fixture.restart(),
      empty: () => fixture.empty(),
      snapshot: () => fixture.snapshot(),
    };

    claiming(given);
    settling(given);
    resolving(given);
    keeping(given);
    continuing(given);
    queueing(given);
    originating(given);
    differing(given);
  });
}

/** The fixture of the test that runs. */
export type Given = Pick<StoreFixture, "open" | "advance" | "restart" | "empty" | "snapshot">;
