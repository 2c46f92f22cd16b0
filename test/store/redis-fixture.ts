import { Redis } from "ioredis";
import { inspect } from "node:util";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import type { Store } from "../../src/store/records.ts";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer, RedisServerOptions } from "../support/redis-server.ts";
import { until, untilItAnswers } from "../support/until.ts";
import type { Opening, StoreFixture } from "./contract.ts";

/** A handle that outlives its server does not keep the suite waiting. */
const AT_ONCE = { lookEveryMs: 10_000, quietMs: 0 };

export type RedisFixture = StoreFixture & {
  server: RedisServer;
  /** Another program's connection to the server. */
  client: Redis;
  /** A store that may not be reachable yet, and is closed with the fixture. */
  openAt(url: string, options?: Opening): Store;
};

export async function redisFixture(options: RedisServerOptions = {}): Promise<RedisFixture> {
  const server = await startRedis(options);
  const client = new Redis({
    host: "127.0.0.1",
    port: server.port,
    password: options.password,
    retryStrategy: () => 20,
  });
  client.on("error", () => {});
  const stores: Store[] = [];
  const openAt: RedisFixture["openAt"] = (url, sweeping) => {
    const store = openRedis(url, { intervals: AT_ONCE, ...sweeping });
    stores.push(store);
    return store;
  };
  return {
    server,
    client,
    openAt,
    async open(sweeping) {
      const store = openAt(server.url, sweeping);
      await untilItAnswers(() => store.probe());
      return store;
    },
    async advance(ms) {
      await client.eval(ADVANCE, 0, ms);
    },
    restart: () => server.restart(),
    empty: async () => void (await client.flushall()),
    snapshot: () => snapshotOf(client),
    async destroy() {
      client.disconnect();
      await Promise.all(stores.map((store) => store.close()));
      await server.close();
    },
  };
}

/** On a Sentinel installation or a cluster that all tests of a file share: emptied for each. */
export async function sharedFixture(url: string, masters: () => Promise<RedisServer[]>): Promise<StoreFixture> {
  const stores: Store[] = [];
  const onEach = async (act: (client: Redis) => Promise<unknown>): Promise<void> => {
    for (const { port } of await masters()) {
      const client = new Redis({ host: "127.0.0.1", port });
      await act(client).finally(() => client.disconnect());
    }
  };
  const clients: Redis[] = [];
  await onEach((client) => client.flushall());
  return {
    async open(sweeping) {
      const store = openRedis(url, { intervals: AT_ONCE, ...sweeping });
      stores.push(store);
      await untilItAnswers(() => store.probe());
      return store;
    },
    advance: (ms) => onEach((client) => client.eval(ADVANCE, 0, ms)),
    async restart() {
      await Promise.all((await masters()).map((master) => master.restart()));
    },
    empty: () => onEach((client) => client.flushall()),
    async snapshot() {
      const restores: (() => Promise<void>)[] = [];
      for (const { port } of await masters()) {
        const client = new Redis({ host: "127.0.0.1", port });
        clients.push(client);
        restores.push(await snapshotOf(client));
      }
      return async () => {
        for (const restore of restores) await restore();
      };
    },
    async destroy() {
      for (const client of clients) client.disconnect();
      await Promise.all(stores.map((store) => store.close()));
    },
  };
}

/** What the store says once it knows more than that it is not connected yet. */
export async function troubleOf(store: Store): Promise<unknown> {
  let trouble: unknown;
  await until("what keeps the store from answering", async () => {
    trouble = await store.probe().catch((error: unknown) => error);
    return trouble !== undefined && !inspect(trouble).includes("is not connected yet");
  });
  return trouble;
}

/** In place, as a backup that is restored by somebody who does not stop the server. */
async function snapshotOf(client: Redis): Promise<() => Promise<void>> {
  const keys = await client.keys("*");
  const kept = await Promise.all(
    keys.map(async (key) => [key, await client.pttl(key), await client.dumpBuffer(key)] as const),
  );
  return async () => {
    await client.flushall();
    for (const [key, ttl, value] of kept) await client.restore(key, Math.max(ttl, 0), value);
  };
}

/** Everything under og:{partition}: becomes ARGV[1] ms older: leases, starts, expiries and the index. */
const ADVANCE = `
local ms = tonumber(ARGV[1])
for _, key in ipairs(redis.call("KEYS", "og:{*")) do
  if string.sub(key, 8) == "journal" or string.sub(key, 8) == "mark" or string.sub(key, 8, 9) == "w:" then
    -- what was noted stays as it is, and what says that nothing is lost
  elseif string.sub(key, 8) == "open" then
    local members = redis.call("ZRANGE", key, 0, -1, "WITHSCORES")
    for i = 1, #members, 2 do
      local score = tonumber(members[i + 1])
      if score > 0 then redis.call("ZADD", key, score - ms, members[i]) end
    end
  elseif string.sub(key, 8, 11) == "turn" then
    local fields = redis.call("HGETALL", key)
    for i = 1, #fields, 2 do
      if fields[i] == "lease" or #fields[i] == 16 then
        local lease = fields[i + 1]
        redis.call("HSET", key, fields[i], string.format("%013d", tonumber(string.sub(lease, 1, 13)) - ms) .. string.sub(lease, 14))
      end
    end
    redis.call("PEXPIRE", key, redis.call("PTTL", key) - ms)
  elseif string.sub(key, 8, 11) == "line" or string.sub(key, 8, 15) == "original" then
    redis.call("PEXPIRE", key, redis.call("PTTL", key) - ms)
  else
    local state, start = redis.call("GETRANGE", key, 1, 1), struct.unpack(">I6", redis.call("GETRANGE", key, 2, 7))
    redis.call("SETRANGE", key, 2, struct.pack(">I6", start - ms))
    local function older(at) -- 13 digits
      redis.call("SETRANGE", key, at, string.format("%013d", tonumber(redis.call("GETRANGE", key, at, at + 12)) - ms))
    end
    local size = redis.call("STRLEN", key)
    if state == "c" or state == "e" then older(56) end
    if state == "u" and string.match(redis.call("GETRANGE", key, 56, -1), "%d$") then
      older(size - 26)
      older(size - 13)
    end
    redis.call("PEXPIRE", key, redis.call("PTTL", key) - ms)
  end
end`;
