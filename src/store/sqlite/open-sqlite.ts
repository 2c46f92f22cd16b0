import { versions } from "node:process";
import type { Name } from "../../domain/record.ts";
import type { Store } from "../records.ts";
import { leaseClock } from "./clock.ts";
import { Thread } from "./thread.ts";

/** An hour of expired answers is what a day's file may be larger by 4 %; a minute is nothing, and costs nothing. */
const SWEEP_EVERY_MS = 60_000;

/** Of names, in the order of the index: base64url sorted by bytes. */
const FIRST_CHARACTERS = Array.from("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");

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
      resolve: (name, resolution, note) => thread.ask("resolve", name, resolution, note),
      list: (state, limit) => thread.ask("list", state, limit),
      async find(keyHash) {
        const names: Name[] = [];
        // One part of the index at a time: at millions of records a claim would otherwise wait behind the whole of it.
        for (const [i, first] of FIRST_CHARACTERS.entries())
          names.push(...(await thread.ask("find", keyHash, first, FIRST_CHARACTERS[i + 1] ?? "~")));
        return names;
      },
      countUnknown: () => thread.ask("countUnknown"),
    },
    journal: { latest: (limit) => thread.ask("journal", limit) },
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
