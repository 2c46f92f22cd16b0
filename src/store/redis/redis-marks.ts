import { ABSENT } from "../../domain/continuity.ts";
import { JOURNAL_MS } from "../journal.ts";
import type { Contact, Marks } from "../marks.ts";
import { countKey, journalKey, markKey, PARTITIONS } from "./layout.ts";
import { REPLACE_MARK } from "./scripts.ts";
import type { Servers } from "./servers.ts";

/** Each of the 64 partitions has its own: any of them can be lost with the server that holds it. */
export function redisMarks(servers: Servers, process: string, contact: () => Contact): Marks {
  // One key at a time: both would be refused together while their slot is moved.
  const valueOf = async (key: string): Promise<string | undefined> => {
    const value = await servers.ask(key, "GET", key);
    return Buffer.isBuffer(value) ? value.toString() : undefined;
  };
  return {
    partitions: PARTITIONS.length,
    contact,
    read: () =>
      Promise.all(
        PARTITIONS.map(async (partition) => {
          const [mark, count] = await Promise.all([valueOf(markKey(partition)), valueOf(countKey(partition, process))]);
          return { mark: mark ?? ABSENT, count: Number(count ?? 0) };
        }),
      ),
    async replace({ partition, from, to }, note) {
      const name = PARTITIONS[partition]!;
      const written = note === undefined ? "" : JSON.stringify(note);
      await servers.run(REPLACE_MARK, [markKey(name), journalKey(name)], [from, to, written, JOURNAL_MS]);
    },
  };
}
