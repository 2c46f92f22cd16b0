import type { Store } from "../records.ts";
import type { Access } from "./access.ts";
import { Connection } from "./connection.ts";
import { describe } from "./description.ts";
import { askingCluster, askingSentinels, everywhere } from "./discovery.ts";
import { unfitness } from "./greeting.ts";
import { NAME_SECRET } from "./layout.ts";
import { locate } from "./location.ts";
import type { Location } from "./location.ts";
import { RedisRecords } from "./redis-records.ts";
import { PROBE, REPLACE_NAME_SECRET } from "./scripts.ts";
import { Servers } from "./servers.ts";

export type RedisSettings = Access & {
  /** Use a server that removes records when it is full. */
  mayEvict?: boolean;
};

/** Throws on a URL that cannot be used; a server out of reach is the business of the verbs (Store). */
export function openRedis(url: string, { mayEvict = false, ...access }: RedisSettings = {}): Store {
  const location = locate(url, access);
  const mode = location.kind === "cluster" ? "cluster" : "standalone";
  const servers = new Servers({
    ...whereabouts(location),
    connect: (place) => new Connection(place, location.options, (info) => unfitness(info, { mode, mayEvict })),
  });
  return {
    records: new RedisRecords(servers),
    async probe() {
      await Promise.all(servers.masters().map(({ key }) => servers.run(PROBE, [key], [])));
    },
    async nameSecret(candidate) {
      // Read first: a gateway can start on a full Redis, which takes no SET.
      const known = await servers.command("GET", NAME_SECRET);
      if (Buffer.isBuffer(known)) return known;
      await servers.command("SET", NAME_SECRET, candidate, "NX");
      const first = await servers.command("GET", NAME_SECRET);
      if (!Buffer.isBuffer(first)) throw new Error("Redis lost the secret of names as soon as it was written");
      return first;
    },
    async replaceNameSecret(known, next) {
      await servers.run(REPLACE_NAME_SECRET, [NAME_SECRET], [known, next]);
    },
    async describe() {
      return { store: location.url, ...(await describe(servers.masters().map(({ connection }) => connection))) };
    },
    close: () => servers.close(),
  };
}

function whereabouts(location: Location): Pick<ConstructorParameters<typeof Servers>[0], "layout" | "discover"> {
  switch (location.kind) {
    case "single":
      return { layout: everywhere(location.place), discover: undefined };
    case "sentinel":
      return { layout: [], discover: askingSentinels(location) };
    case "cluster":
      return { layout: [], discover: askingCluster(location) };
  }
}
