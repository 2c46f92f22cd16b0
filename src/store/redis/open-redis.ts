import type { Store } from "../records.ts";
import { Continuity, INTERVALS } from "../continuity.ts";
import type { Intervals } from "../continuity.ts";
import { processName } from "../witness.ts";
import type { Access } from "./access.ts";
import { Connection } from "./connection.ts";
import { Contacts } from "./contacts.ts";
import { describe } from "./description.ts";
import { askingCluster, askingSentinels, everywhere } from "./discovery.ts";
import { unfitness } from "./greeting.ts";
import { NAME_SECRET } from "./layout.ts";
import { locate } from "./location.ts";
import type { Location } from "./location.ts";
import { Master } from "./master.ts";
import { redisJournal } from "./redis-journal.ts";
import { redisMarks } from "./redis-marks.ts";
import { redisOriginals } from "./redis-originals.ts";
import { redisTurns } from "./redis-turns.ts";
import { RedisRecords } from "./redis-records.ts";
import { PROBE, REPLACE_NAME_SECRET } from "./scripts.ts";
import { Servers } from "./servers.ts";
import type { ServersSettings } from "./servers.ts";

export type RedisSettings = Access & {
  /** Use a server that removes records when it is full. */
  mayEvict?: boolean;
  /** How many replicas must have a write before it counts; without it none of a single server's, else one. */
  waitReplicas?: number | undefined;
  sweepEveryMs?: number;
  /** The id that the store must have. */
  pinnedId?: string | undefined;
  intervals?: Intervals;
};

/** What is over stays a minute longer, in all 64 partitions: one small script each. */
const SWEEP_EVERY_MS = 60_000;

/** Throws on a URL that cannot be used; a server out of reach is the business of the verbs (Store). */
export function openRedis(url: string, settings: RedisSettings = {}): Store {
  const { mayEvict = false, waitReplicas, sweepEveryMs = SWEEP_EVERY_MS, pinnedId, ...others } = settings;
  const { intervals = INTERVALS, ...access } = others;
  const location = locate(url, access);
  const mode = location.kind === "cluster" ? "cluster" : "standalone";
  const replicas = waitReplicas ?? (location.kind === "single" ? 0 : 1);
  const contacts = new Contacts();
  const connect = (place: string): Connection =>
    new Connection(place, location.options, (info) => {
      const why = unfitness(info, { mode, mayEvict });
      if (why === undefined) contacts.greeted(place, info);
      return why;
    });
  const servers = new Servers({
    ...whereabouts(location),
    connect: (place) => {
      contacts.begin(place);
      return new Master(() => connect(place), replicas);
    },
  });
  const process = processName();
  const marks = redisMarks(servers, process, () => contacts.contact());
  const continuity = new Continuity(marks, pinnedId, intervals);
  const records = new RedisRecords(servers, continuity, process);
  // Housekeeping: the next interval tries again, and a verb that meets the same trouble reports it.
  const sweep = setInterval(() => void records.expireUnknown().catch(() => {}), sweepEveryMs).unref();
  return {
    records,
    turns: redisTurns(servers),
    originals: redisOriginals(servers, continuity, process),
    continuity,
    journal: redisJournal(servers),
    async probe() {
      const masters = servers.masters();
      await Promise.all(masters.map(({ key }) => servers.run(PROBE, [key], [])));
      await Promise.all(masters.map(({ master }) => master.checkReplicas()));
      await continuity.ready();
    },
    async nameSecret(candidate) {
      // Read first: a gateway can start on a full Redis, which takes no SET.
      const known = await servers.lastingly("GET", NAME_SECRET);
      if (Buffer.isBuffer(known)) return known;
      await servers.lastingly("SET", NAME_SECRET, candidate, "NX");
      const first = await servers.lastingly("GET", NAME_SECRET);
      if (!Buffer.isBuffer(first)) throw new Error("Redis lost the secret of names as soon as it was written");
      return first;
    },
    async replaceNameSecret(known, next) {
      await servers.run(REPLACE_NAME_SECRET, [NAME_SECRET], [known, next]);
    },
    async describe() {
      return {
        store: location.url,
        ...(await describe(
          servers.masters().map(({ master }) => master),
          replicas,
        )),
      };
    },
    close() {
      clearInterval(sweep);
      continuity.close();
      return servers.close();
    },
  };
}

/** A master that was replaced may not know it for seconds, and acknowledges meanwhile what is lost with it. */
const ASK_SENTINELS_EVERY = 1_000;
/** A server of a cluster that is not master any more says so, and who is. */
const ASK_CLUSTER_EVERY = 10_000;

function whereabouts(location: Location): Omit<ServersSettings, "connect"> {
  switch (location.kind) {
    case "single":
      return { slots: everywhere(location.place), discover: undefined, lookEvery: Infinity };
    case "sentinel":
      return { slots: [], discover: askingSentinels(location), lookEvery: ASK_SENTINELS_EVERY };
    case "cluster":
      return { slots: [], discover: askingCluster(location), lookEvery: ASK_CLUSTER_EVERY };
  }
}
