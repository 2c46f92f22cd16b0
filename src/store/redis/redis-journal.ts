import { z } from "zod";
import type { Journal, JournalEntry } from "../journal.ts";
import { journalKey, PARTITIONS } from "./layout.ts";
import type { Servers } from "./servers.ts";

/** With the score beside each member, as ioredis 6 gives them. */
const Members = z.array(z.tuple([z.instanceof(Buffer), z.unknown().transform(Number)]));

/** Entries lie beside the records that they tell of, by the time at which they were written (lua/resolve.lua). */
export function redisJournal(servers: Servers): Journal {
  const ofPartition = async (partition: string, limit: number): Promise<JournalEntry[]> => {
    const key = journalKey(partition);
    const reply = await servers.ask(key, "ZRANGE", key, 0, limit - 1, "REV", "WITHSCORES");
    return Members.parse(reply).map(([note, at]) => ({ at, ...JSON.parse(String(note)) }));
  };
  return {
    async latest(limit) {
      const entries = await Promise.all(PARTITIONS.map((partition) => ofPartition(partition, limit)));
      return entries
        .flat()
        .toSorted((one, other) => other.at - one.at)
        .slice(0, limit);
    },
  };
}
