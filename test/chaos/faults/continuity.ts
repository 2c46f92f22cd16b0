import { setTimeout as sleep } from "node:timers/promises";
import { backUpSqlite, cutTailOf, emptyRedis, removeSqlite, swapRedis } from "../../support/store-losses.ts";
import type { Lose } from "../../support/store-losses.ts";
import type { Loss } from "../history.ts";
import { now } from "../limits.ts";
import type { Site } from "../site.ts";
import { RedisUnderTest, SqliteUnderTest } from "../store.ts";
import type { StoreName, StoreUnderTest } from "../store.ts";
import type { Fault, Scene } from "./fault.ts";

/** A store that loses writes that it acknowledged. */
export const continuityFaults = (store: StoreName): Fault[] => (store === "redis" ? REDIS : SQLITE);

const REDIS: Fault[] = [
  losing(
    "redis-emptied",
    "all",
    ofRedis(
      async ({ server }) =>
        () =>
          emptyRedis(server),
    ),
  ),
  losing(
    "redis-swapped",
    "all",
    ofRedis(
      async ({ server }) =>
        () =>
          swapRedis(server),
    ),
  ),
  losing(
    "redis-truncated",
    "tail",
    ofRedis(({ server }) => cutTailOf(server)),
  ),
];

const SQLITE: Fault[] = [
  losing(
    "sqlite-removed",
    "all",
    ofSqlite(
      ({ file }) =>
        () =>
          removeSqlite(file),
    ),
  ),
  losing(
    "sqlite-restored",
    "tail",
    ofSqlite(({ file }) => backUpSqlite(file)),
  ),
];

/** Longer than every gateway is quiet after a restart (5 s), on a busy machine. */
const CLAIMED_WITHIN_MS = 10_000;
const NOTICED_WITHIN_MS = 30_000;
const ACCEPTED_WITHIN_MS = 30_000;

type Prepare = (store: StoreUnderTest) => Promise<Lose>;

/**
 * From the first write that is lost until a gateway says so, no gateway is killed or cut off and nothing else befalls the store: nobody can notice the loss of what
 * only those claimed who are gone (docs/loss.md). Then the operator takes a moment, in which everything may happen again.
 */
function losing(kind: string, extent: Loss["extent"], prepare: Prepare): Fault {
  return {
    kind,
    lane: "loss",
    async strike({ site, dice, history, calm }) {
      await history.fault(kind, "store", async () => {
        const lost = await calm.alone(() => lose(site, prepare));
        if (lost === undefined) return;
        const { isNoticed, ...when } = lost;
        await sleep(dice.whole(0, 2_000));
        const acceptedAt = isNoticed ? { acceptedAt: now() } : {};
        history.add({ what: "loss", kind, extent, ...when, ...acceptedAt });
        if (isNoticed) await untilAny(site, ACCEPTED_WITHIN_MS, (host) => host.acceptLoss(), "whole");
      });
    },
  };
}

/** Undefined where nobody claimed anything that could be lost: nobody could notice it either. */
async function lose(
  site: Site,
  prepare: Prepare,
): Promise<{ from: number; lostAt: number; isNoticed: boolean } | undefined> {
  await Promise.all(site.posts.map(({ host }) => host.ready()));
  const from = now();
  const losingIt = await prepare(site.store);
  const before = await site.store.claims();
  const giveUpAt = now() + CLAIMED_WITHIN_MS;
  while ((await site.store.claims()) === before) {
    if (now() > giveUpAt) return undefined;
    await sleep(50);
  }
  await losingIt();
  const lostAt = now();
  return { from, lostAt, isNoticed: await untilAny(site, NOTICED_WITHIN_MS, (host) => host.storeStanding(), "lost") };
}

type Host = Scene["post"]["host"];

/** Asks one gateway after the other until one says so; resolves to whether one did. */
async function untilAny(
  { posts }: Site,
  withinMs: number,
  ask: (host: Host) => Promise<string | undefined>,
  wanted: string,
): Promise<boolean> {
  for (const giveUpAt = now() + withinMs; now() < giveUpAt; await sleep(50))
    for (const { host } of posts) if ((await ask(host)) === wanted) return true;
  return false;
}

function ofRedis(prepare: (store: RedisUnderTest) => Promise<Lose>): Prepare {
  return async (store) => {
    if (store instanceof RedisUnderTest) return prepare(store);
    throw new TypeError("only of Redis");
  };
}

function ofSqlite(prepare: (store: SqliteUnderTest) => Lose): Prepare {
  return async (store) => {
    if (store instanceof SqliteUnderTest) return prepare(store);
    throw new TypeError("only of SQLite");
  };
}
