import { Redis } from "ioredis";
import { z } from "zod";
import { StoreError } from "../records.ts";
import { addressOf, ANSWER_TIMEOUT } from "./connect.ts";
import type { Options } from "./connect.ts";
import { fieldsOf as infoOf } from "./greeting.ts";
import { SLOTS } from "./layout.ts";
import type { Location } from "./location.ts";
import { inWords, placeNamed } from "./trouble.ts";
import { reasonOf } from "../../reason.ts";

/** The master of each slot, as host:port; undefined where nobody answers for one. */
export type Slots = (string | undefined)[];

/** Asks who is master now; `known`: who was. Throws StoreError where nobody can tell. */
export type Discovery = (known: readonly string[], signal: AbortSignal) => Promise<Slots>;

/** Of several views the one with the highest epoch is the latest (Redis: Sentinel, cluster specification). */
type View<Seen> = { epoch: number; seen: Seen };

/** For all that is not a cluster: there one server has every slot. */
export function everywhere(place: string): Slots {
  return Array.from({ length: SLOTS }, () => place);
}

export function askingSentinels({ places, master, options }: Extract<Location, { kind: "sentinel" }>): Discovery {
  // Sentinels often have no password where their Redis has one: it is given to those that ask.
  const { username = "default", password, db: _, ...open } = options;
  const viewOf = async (redis: Redis, place: string): Promise<View<string>> => {
    const said = fieldsOf(await redis.call("SENTINEL", "MASTER", master));
    return { epoch: Number(said["config-epoch"]), seen: placeNamed(said["ip"] ?? "", said["port"] ?? "", place) };
  };
  return async (_known, signal) => {
    const place = await latest(places, (sentinel) =>
      ask(sentinel, open, signal, (redis) =>
        viewOf(redis, sentinel).catch(async (error: unknown) => {
          if (!password || !Error.isError(error) || !error.message.startsWith("NOAUTH")) throw error;
          await redis.auth(username, password);
          return viewOf(redis, sentinel);
        }),
      ),
    );
    return everywhere(place);
  };
}

export function askingCluster({ places, options }: Extract<Location, { kind: "cluster" }>): Discovery {
  const viewOf = async (redis: Redis, place: string): Promise<View<Slots>> => {
    const [info, ranges] = await Promise.all([redis.call("CLUSTER", "INFO"), redis.call("CLUSTER", "SLOTS")]);
    const said = infoOf(String(info));
    const slots: Slots = Array.from({ length: SLOTS }, () => undefined);
    for (const [from, to, [host, port]] of Ranges.parse(ranges))
      slots.fill(placeNamed(host ?? "", port, place), from, to + 1);
    // One that lost the others says so; what it knows only counts where nobody knows more.
    return { epoch: said("cluster_state") === "ok" ? Number(said("cluster_current_epoch")) : -1, seen: slots };
  };
  return (known, signal) =>
    latest([...new Set([...known, ...places])], (place) =>
      ask(place, options, signal, (redis) => viewOf(redis, place)),
    );
}

/** First slot, last slot, master; replicas follow (CLUSTER SLOTS). */
const Master = z.tuple([z.string().nullable(), z.number()]).rest(z.unknown());
const Ranges = z.array(z.tuple([z.number(), z.number(), Master]).rest(z.unknown()));

async function latest<Seen>(places: readonly string[], look: (place: string) => Promise<View<Seen>>): Promise<Seen> {
  const looks = await Promise.allSettled(places.map(look));
  const views = looks.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const [best] = views.toSorted((one, other) => other.epoch - one.epoch);
  if (best !== undefined) return best.seen;
  const reasons = looks.flatMap((one) => (one.status === "rejected" ? [reasonOf(one.reason)] : []));
  throw unable(reasons.join("; "));
}

/** On a connection for this alone. */
async function ask<Answer>(
  place: string,
  options: Options,
  signal: AbortSignal,
  question: (redis: Redis) => Promise<Answer>,
): Promise<Answer> {
  const once = { lazyConnect: true, retryStrategy: () => null, commandTimeout: ANSWER_TIMEOUT };
  // RESP2: a Sentinel with a password would refuse the HELLO of RESP3.
  const redis = new Redis({ ...options, ...addressOf(place), ...once, protocol: 2 });
  let trouble: unknown;
  redis.on("error", (error: unknown) => (trouble = error));
  const cut = (): void => redis.disconnect();
  signal.addEventListener("abort", cut);
  try {
    await redis.connect();
    return await question(redis);
  } catch (error) {
    throw unable(`Redis at ${place} ${inWords(trouble ?? error)}`);
  } finally {
    signal.removeEventListener("abort", cut);
    cut();
  }
}

function fieldsOf(reply: unknown): Record<string, string> {
  const list = Array.isArray(reply) ? reply.map(String) : [];
  return Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] ?? ""]] : [])));
}

function unable(message: string): StoreError {
  return new StoreError("unsent", message);
}
