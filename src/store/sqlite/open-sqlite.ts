import { versions } from "node:process";
import type { Name } from "../../domain/record.ts";
import { Continuity, INTERVALS } from "../continuity.ts";
import type { Intervals, Pass } from "../continuity.ts";
import type { Marks } from "../marks.ts";
import { processName } from "../witness.ts";
import type { Store } from "../records.ts";
import { leaseClock } from "./clock.ts";
import { Thread } from "./thread.ts";
import type { Witness } from "./verbs.ts";

/** An hour of expired answers is what a day's file may be larger by 4 %; a minute is nothing, and costs nothing. */
const SWEEP_EVERY_MS = 60_000;

/** Nothing tells when a file is replaced, and a look at one costs little. */
const LOOK_EVERY_MS = 1_000;

export type SqliteSettings = {
  file: string;
  sweepEveryMs?: number;
  /** The id that the store must have. */
  pinnedId?: string | undefined;
  intervals?: Intervals;
};

/** Of names, in the order of the index: base64url sorted by bytes. */
const FIRST_CHARACTERS = Array.from("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");

/**
 * The store in one file: for one machine, and for several processes of it. Rejects with a StoreError for an operator where
 * the file cannot be used; once open, it comes back by itself.
 */
export async function openSqlite(options: SqliteSettings): Promise<Store> {
  const { file, sweepEveryMs = SWEEP_EVERY_MS, pinnedId } = options;
  const { intervals = { ...INTERVALS, lookEveryMs: LOOK_EVERY_MS } } = options;
  const thread = await Thread.open({ file, sweepEveryMs });
  const process = processName();
  const marks: Marks = {
    partitions: 1,
    read: async () => [await thread.ask("marks", process)],
    replace: ({ from, to }, note) => thread.ask("replaceMark", from, to, note),
    contact: () => thread.contact(),
  };
  const continuity = new Continuity(marks, pinnedId, intervals);
  // What keeps it from looking, the verbs meet as well.
  await continuity.ready().catch(() => {});
  const witnessOf = ({ mark, count }: Pass): Witness => ({ mark, count, process });
  return {
    records: {
      time: leaseClock,
      async claim(name, attempt) {
        const pass = continuity.pass(0);
        const { answer, count } = await thread.ask("claim", name, attempt, witnessOf(pass));
        if (answer.kind === "store_lost") return { kind: continuity.refused(pass) };
        if (answer.kind === "claimed" || answer.kind === "yours") continuity.acknowledged(pass, count);
        return answer;
      },
      async begin(name, owner, leaseMs) {
        const pass = continuity.pass(0);
        const { answer, count } = await thread.ask("begin", name, owner, leaseMs, witnessOf(pass));
        if (answer === "store_lost") return continuity.refused(pass);
        if (answer === "begun") continuity.acknowledged(pass, count);
        return answer;
      },
      renew: (name, owner, leaseMs) => thread.ask("renew", name, owner, leaseMs),
      complete: (name, completion) => thread.ask("complete", name, completion),
      release: (name, owner) => thread.ask("release", name, owner),
      hold: (name, owner, reason) => thread.ask("hold", name, owner, reason),
      revoke: (name, owner) => thread.ask("revoke", name, owner),
      read: (name) => thread.ask("read", name),
      look: (name, owner, gatewayAt) => thread.ask("look", name, owner, gatewayAt),
      resolve: (name, resolution, note) => thread.ask("resolve", name, resolution, note),
      list: (state, limit) => thread.ask("list", state, limit),
      find: (keyHash) => ofEachPart((first, end) => thread.ask("find", keyHash, first, end)),
      names: () => ofEachPart((first, end) => thread.ask("names", first, end)),
      countUnknown: () => thread.ask("countUnknown"),
    },
    turns: {
      time: leaseClock,
      enter: (document, entry) => thread.ask("enter", document, entry),
      renew: (document, owner, leaseMs) => thread.ask("renewTurn", document, owner, leaseMs),
      leave: (document, owner) => thread.ask("leave", document, owner),
    },
    originals: {
      async stand(likeness, candidacy, keepMs) {
        const pass = continuity.pass(0);
        const { answer, count } = await thread.ask("stand", likeness, candidacy, keepMs, witnessOf(pass));
        if (answer.kind === "store_lost") return { kind: continuity.refused(pass) };
        if (answer.kind === "stands") continuity.acknowledged(pass, count);
        return answer;
      },
      keep: (likeness, own, keepMs) => thread.ask("keep", likeness, own, keepMs),
    },
    continuity,
    journal: { latest: (limit) => thread.ask("journal", limit) },
    async probe() {
      await thread.ask("probe");
      await continuity.ready();
    },
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
    close() {
      continuity.close();
      return thread.close();
    },
  };
}

/** One part of the index at a time: at millions of records a claim would otherwise wait behind the whole of it. */
async function ofEachPart(ask: (first: string, end: string) => Promise<Name[]>): Promise<Name[]> {
  const names: Name[][] = [];
  for (const [i, first] of FIRST_CHARACTERS.entries()) names.push(await ask(first, FIRST_CHARACTERS[i + 1] ?? "~"));
  return names.flat();
}
