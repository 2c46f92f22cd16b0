import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import type { Store } from "../../src/store/records.ts";
import { faultProxy } from "../support/fault-proxy.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { until, untilItAnswers } from "../support/until.ts";
import { anAttempt, anyName, aRetry, LEASE, theAnswer } from "./operation.ts";

/** Longer than any test, so that only what is not quiet goes on. */
const intervals = { lookEveryMs: 10_000, quietMs: 600_000 };
const QUIET = { fate: "unsent", message: expect.stringContaining("all gateways look first") };

let server: RedisServer;
let proxy: FaultProxy;
let store: Store;
beforeEach(async () => {
  server = await startRedis();
  proxy = await faultProxy(server.port);
  store = openRedis(`redis://127.0.0.1:${proxy.port}`, { intervals });
  await untilItAnswers(() => store.probe());
});
afterEach(async () => {
  await store.close();
  await proxy.close();
  await server.close();
});

const claimAnew = (by: Store) => by.records.claim(anyName(), anAttempt(by));

test("on a Redis that was restarted nothing is started at first, and everything else goes on", async () => {
  const [kept, running, waiting] = [anyName(), anyName(), anyName()];
  const [attempt, waits] = [anAttempt(store), anAttempt(store, { into: "claimed" })];
  for (const name of [kept, running]) await store.records.claim(name, attempt);
  await store.records.claim(waiting, waits);
  await store.records.complete(kept, theAnswer(attempt, "invoice 1"));
  await server.restart();
  await until("it says so", async () => /all gateways look first/.test(String(await store.probe().catch(String))));

  await expect(claimAnew(store)).rejects.toMatchObject(QUIET);
  await expect(store.records.begin(waiting, waits.owner, LEASE)).rejects.toMatchObject(QUIET);
  expect(await store.records.claim(kept, aRetry(store, attempt))).toMatchObject({ kind: "completed" });
  expect(await store.records.renew(running, attempt.owner, LEASE)).toBe("renewed");
  expect(await store.records.complete(running, theAnswer(attempt, "invoice 2"))).toBe("completed");

  // A process that starts now has nothing that it could miss.
  const fresh = openRedis(server.url, { intervals });
  await untilItAnswers(() => fresh.probe());
  expect(await claimAnew(fresh)).toEqual({ kind: "claimed" });
  await fresh.close();
});

test("a lost connection to the same Redis keeps nobody waiting", async () => {
  await claimAnew(store);
  const client = new Redis(server.port, "127.0.0.1");
  await client.call("CLIENT", "KILL", "TYPE", "normal");
  client.disconnect();
  expect(await untilItAnswers(() => claimAnew(store))).toEqual({ kind: "claimed" });
});

test("a claim that was under way when the connection was made anew counts only when it is said again", async () => {
  const [name, attempt] = [anyName(), anAttempt(store)];
  await claimAnew(store); // so that the script is known
  const lost = proxy.loseReplies();
  await expect(store.records.claim(name, attempt)).rejects.toMatchObject({ fate: "ambiguous" });
  await lost;
  proxy.heal();
  expect(await untilItAnswers(() => store.records.claim(name, attempt))).toEqual({ kind: "yours" });
});
