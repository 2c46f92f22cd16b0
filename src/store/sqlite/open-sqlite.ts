import { versions } from "node:process";
import type { Store } from "../records.ts";
import { leaseClock } from "./clock.ts";
import { Thread } from "./thread.ts";

/** An hour of expired answers is what a day's file may be larger by 4 %; a minute is nothing, and costs nothing. */
const SWEEP_EVERY_MS = 60_000;

/**
 * The store in one file: for one machine, and for several processes of it. Rejects with a StoreError for an operator where
 * the file cannot be used; once open, it comes back by itself.
 */
export async function openSqlite(options: { file: string; sweepEveryMs?: number }): Promise<Store> {
  const { file, sweepEveryMs = SWEEP_EVERY_MS } = options;
  const thread = await Thread.open({ file, sweepEveryMs });
  return {
    records: {
      time: leaseClock,
      claim: (name, attempt) => thread.ask("claim", name, attempt),
      begin: (name, owner, leaseMs) => thread.ask("begin", name, owner, leaseMs),
      renew: (name, owner, leaseMs) => thread.ask("renew", name, owner, leaseMs),
      complete: (name, completion) => thread.ask("complete", name, completion),
      release: (name, owner) => thread.ask("release", name, owner),
      hold: (name, owner, reason) => thread.ask("hold", name, owner, reason),
      read: (name) => thread.ask("read", name),
      countUnknown: () => thread.ask("countUnknown"),
    },
    probe: () => thread.ask("probe"),
    nameSecret: async (candidate) => Buffer.from(await thread.ask("nameSecret", candidate)),
    replaceNameSecret: (known, next) => thread.ask("replaceNameSecret", known, next),
    async describe() {
      await thread.ask("probe");
      return {
        store: `sqlite:${file}`,
        durability:
          `SQLite ${versions.sqlite}, WAL, synchronous=FULL: ` +
          "acknowledged writes survive kill -9 and power loss, as far as the disk keeps what it synced",
        risks: [],
      };
    },
    close: () => thread.close(),
  };
}
