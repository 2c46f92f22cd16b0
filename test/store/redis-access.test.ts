import { afterEach, describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { keyHashOf } from "../../src/domain/key.ts";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import type { RedisSettings } from "../../src/store/redis/open-redis.ts";
import type { Store } from "../../src/store/records.ts";
import { CERT, KEY } from "../support/certificate.ts";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer, RedisServerOptions } from "../support/redis-server.ts";
import { anAttempt, anyName, aRetry, LEASE, theAnswer } from "./operation.ts";
import { untilItAnswers } from "../support/until.ts";
import { aQueue, HELD, waiting } from "./queue.ts";
import { troubleOf } from "./redis-fixture.ts";

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function serverWith(options: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  ending.push(() => server.close());
  return server;
}

function open(url: string, settings: RedisSettings = {}): Store {
  const store = openRedis(url, settings);
  ending.push(() => store.close());
  return store;
}

/** Every verb and everything else that Oncegate asks of a server. */
async function useEverything(store: Store): Promise<void> {
  await untilItAnswers(() => store.probe());
  await store.nameSecret(Buffer.from("the first secret"));
  const { records } = store;
  const [kept, failed, held] = [anyName(), anyName(), anyName()];
  const attempt = anAttempt(store, { into: "claimed" });
  const { owner } = attempt;
  for (const name of [kept, failed, held]) {
    expect(await records.claim(name, attempt)).toEqual({ kind: "claimed" });
    expect(await records.claim(name, attempt)).toEqual({ kind: "yours" });
    expect(await records.begin(name, owner, LEASE)).toBe("begun");
    expect(await records.renew(name, owner, LEASE)).toBe("renewed");
  }
  expect(await records.complete(kept, theAnswer(attempt, "invoice 1"))).toBe("completed");
  expect(await records.release(failed, owner)).toMatchObject({ answer: "released" });
  expect(await records.hold(held, owner, "shutdown")).toBe("held");
  expect(await records.claim(kept, aRetry(store, attempt))).toMatchObject({ kind: "completed" });
  expect(await records.read(held)).toMatchObject({ state: "unknown" });
  expect(await records.countUnknown()).toBe(1);
  expect(await records.list("unknown", 1)).toMatchObject([{ name: held }]);
  expect(await records.find(keyHashOf(kept))).toEqual([kept]);
  const said = { verdict: "not-executed", owner } as const;
  const note = { event: "resolved", name: held, by: "Ann", why: "looked", ...said } as const;
  expect(await records.resolve(held, said, note)).toBe("resolved");
  expect(await store.journal.latest(1)).toMatchObject([note]);
  const own = { name: held, owner };
  expect(await store.originals.stand(anyName(), { own, instead: undefined }, LEASE)).toEqual({ kind: "stands" });
  await store.originals.keep(anyName(), own, LEASE);
  const { ask, enters, leaves } = aQueue(store);
  const [first, second] = [await enters(HELD), await enters(waiting(0))];
  expect(await store.turns.renew(anyName(), first.owner, LEASE)).toBe("lost");
  expect(await leaves(first)).toBe(second.owner);
  expect(await ask(second)).toEqual(HELD);
  expect((await store.describe()).durability).toContain("AOF, appendfsync always");
}

describe("a Redis with TLS", () => {
  test("is used where its authority is known, and not trusted otherwise", async () => {
    const server = await serverWith({ tls: "one-sided" });
    await useEverything(open(server.url, { ca: CERT }));
    expect(await troubleOf(open(server.url))).toMatchObject({
      fate: "unsent",
      message: expect.stringContaining("has a certificate that is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)"),
    });
  });

  test("that asks for a certificate is shown one", async () => {
    const server = await serverWith({ tls: "mutual" });
    await useEverything(open(server.url, { ca: CERT, cert: CERT, key: KEY }));
    expect(await troubleOf(open(server.url, { ca: CERT }))).toMatchObject({ fate: "unsent" });
  });
});

describe("a user who may only do what docs/redis.md says", () => {
  const page = readFileSync(new URL("../../docs/redis.md", import.meta.url), "utf8");
  const rules = /^ *(user oncegate on .*)$/m.exec(page)?.[1] ?? "";

  test("can do everything that Oncegate asks, and nothing else", async () => {
    const server = await serverWith({ password: "of-the-administrator" });
    const [, name, ...granted] = rules.replace("the-password", "s3cret/@:").split(/ +/);
    const administrator = new Redis(server.url);
    await administrator.acl("SETUSER", name!, ...granted);
    const url = `redis://oncegate@127.0.0.1:${server.port}`;
    await useEverything(open(url, { password: "s3cret/@:" }));

    const somebody = new Redis(`redis://oncegate:${encodeURIComponent("s3cret/@:")}@127.0.0.1:${server.port}`);
    for (const forbidden of [["SET", "another", "1"], ["KEYS", "*"], ["FLUSHALL"], ["CONFIG", "SET", "save", ""]])
      await expect(somebody.call(forbidden[0]!, ...forbidden.slice(1))).rejects.toThrow("NOPERM");
    somebody.disconnect();
    administrator.disconnect();
  });
});
