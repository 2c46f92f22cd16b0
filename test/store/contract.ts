import { afterEach, beforeEach, describe } from "@jest/globals";
import type { Store } from "../../src/store/records.ts";
import { claiming } from "./contract-claiming.ts";
import { differing } from "./contract-differential.ts";
import { keeping } from "./contract-keeping.ts";
import { resolving } from "./contract-resolving.ts";
import { settling } from "./contract-settling.ts";

/** One store with nothing in it, and what a test may do to it. A new one for every test. */
export type StoreFixture = {
  /** Another handle on the same data, as another process would have it. The suite closes it. */
  /** `sweepEveryMs`: how often what is over is removed, where not as rarely as a store does by itself. */
  open(options?: { sweepEveryMs: number }): Promise<Store>;
  /** Makes everything stored `ms` older (leases, expiry, start): time moves without sleeping. */
  advance(ms: number): Promise<void>;
  /**
   * The store's process or thread dies (kill -9 where it is one) and comes back with its data. Handles made before may be
   * unusable afterwards, but can still be closed: the suite opens new ones.
   */
  restart(): Promise<void>;
  destroy(): Promise<void>;
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
    };

    claiming(given);
    settling(given);
    resolving(given);
    keeping(given);
    differing(given);
  });
}

/** The fixture of the test that runs. */
export type Given = Pick<StoreFixture, "open" | "advance" | "restart">;
