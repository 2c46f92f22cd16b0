import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { inspect } from "node:util";
import { anInvoice } from "../../bench/invoice.ts";
import { sealKept } from "../../src/store/codec.ts";
import { Keyring } from "../../src/store/keyring.ts";
import { openRedis } from "../../src/store/redis/open-redis.ts";
import { faultProxy } from "../support/fault-proxy.ts";
import { freePort } from "../support/redis-server.ts";
import { anAttempt, anyName, LEASE, theAnswer } from "./operation.ts";
import { untilItAnswers } from "../support/until.ts";
import { redisFixture, troubleOf } from "./redis-fixture.ts";
import type { RedisFixture } from "./redis-fixture.ts";

const PASSWORD = "s3cret/@:";
const unsent = (message: string) => ({
  name: "StoreError",
  fate: "unsent",
  message: expect.stringContaining(message),
});

describe("redis store", () => {
  let fixture: RedisFixture;
  afterEach(() => fixture.destroy());

  describe("of a server that asks for a password", () => {
    beforeEach(async () => {
      fixture = await redisFixture({ password: PASSWORD });
    });
    const at = (userinfo: string) => fixture.openAt(`redis://${userinfo}127.0.0.1:${fixture.server.port}`);

    test("says so where none is given, and sends nothing", async () => {
      const store = at("");
      const why = `Redis at 127.0.0.1:${fixture.server.port} asks for a password (NOAUTH)`;
      expect(await troubleOf(store)).toMatchObject(unsent(why));
      await expect(store.records.read(anyName())).rejects.toMatchObject(unsent("NOAUTH"));
      await expect(store.describe()).rejects.toMatchObject(unsent("NOAUTH"));
      expect(() => store.records.time(anyName())).toThrow("NOAUTH");
    });

    test("says so where it is wrong, and does not repeat it", async () => {
      const trouble = await troubleOf(at(":not-it@"));
      expect(trouble).toMatchObject(unsent("refuses the user name or password (WRONGPASS)"));
      expect(inspect(trouble, { showHidden: true, depth: 10 })).not.toContain("not-it");
    });

    test("works with the right one, and does not show it", async () => {
      const store = at(`default:${encodeURIComponent(PASSWORD)}@`);
      await untilItAnswers(() => store.probe());
      expect((await store.describe()).store).toBe(`redis://127.0.0.1:${fixture.server.port}/0`);
    });
  });

  describe("of a server that takes no writes", () => {
    beforeEach(async () => {
      fixture = await redisFixture();
    });

    test("refuses to claim and to begin on a full one, as unsent, and settles what runs", async () => {
      const store = await fixture.open();
      const candidate = Buffer.from("the first secret");
      await store.nameSecret(candidate);
      const [waiting, running, failed, free, held] = [anyName(), anyName(), anyName(), anyName(), anyName()];
      const attempt = anAttempt(store, { into: "claimed" });
      for (const name of [waiting, running, failed, held]) await store.records.claim(name, attempt);
      for (const name of [running, failed, held]) await store.records.begin(name, attempt.owner, LEASE);
      await fixture.client.config("SET", "maxmemory", "1");

      await expect(store.records.claim(free, attempt)).rejects.toMatchObject(unsent("is full (OOM)"));
      await expect(store.records.begin(waiting, attempt.owner, LEASE)).rejects.toMatchObject(unsent("is full (OOM)"));
      await expect(store.probe()).rejects.toMatchObject(unsent("is full (OOM)"));
      expect(await store.records.renew(running, attempt.owner, LEASE)).toBe("renewed");
      expect(await store.records.complete(running, theAnswer(attempt, "invoice 1"))).toBe("completed");
      expect(await store.records.release(failed, attempt.owner)).toMatchObject({ answer: "released" });
      expect(await store.records.hold(held, attempt.owner, "shutdown")).toBe("held");
      expect(await store.records.read(running)).toMatchObject({ state: "completed" });
      expect(await store.records.read(free)).toBeUndefined();
      expect(await store.records.countUnknown()).toBe(1);
      expect(await store.nameSecret(Buffer.from("another"))).toEqual(candidate);

      await fixture.client.config("SET", "maxmemory", "0");
      expect(await store.records.claim(free, attempt)).toEqual({ kind: "claimed" });
    });

    test("refuses one that evicts records, unless it is allowed to", async () => {
      await fixture.client.config("SET", "maxmemory-policy", "allkeys-lru");
      const url = `redis://127.0.0.1:${fixture.server.port}`;
      const store = openRedis(url);
      const allowed = openRedis(url, { mayEvict: true });
      expect(await troubleOf(store)).toMatchObject(
        unsent("evicts records when it is full (maxmemory-policy allkeys-lru)"),
      );
      await untilItAnswers(() => allowed.probe());
      await fixture.client.config("SET", "maxmemory-policy", "noeviction");
      await untilItAnswers(() => store.probe());
      await store.close();
      await allowed.close();
    });

    test("says that it became a replica, and comes back when it is master again", async () => {
      const store = await fixture.open();
      await fixture.client.call("REPLICAOF", "127.0.0.1", `${await freePort()}`);
      await expect(store.records.claim(anyName(), anAttempt(store))).rejects.toMatchObject(unsent("READONLY"));
      await fixture.client.call("REPLICAOF", "NO", "ONE");
      await untilItAnswers(() => store.probe());
    });

    test("says what a user may not do", async () => {
      await fixture.client.call("ACL", "SETUSER", "gate", "on", ">pw", "~og:*", "+@all", "-evalsha", "-eval");
      const store = fixture.openAt(`redis://gate:pw@127.0.0.1:${fixture.server.port}`);
      expect(await troubleOf(store)).toMatchObject(unsent("does not permit this user what Oncegate needs (NOPERM)"));
    });
  });

  describe("of a server that comes, changes and forgets", () => {
    beforeEach(async () => {
      fixture = await redisFixture();
    });

    test("says that nobody listens, and connects by itself when somebody does", async () => {
      await fixture.server.kill9();
      const store = fixture.openAt(fixture.server.url);
      expect(await troubleOf(store)).toMatchObject(unsent("refuses connections (ECONNREFUSED)"));
      await expect(store.nameSecret(Buffer.alloc(32))).rejects.toMatchObject(unsent("ECONNREFUSED"));
      await fixture.server.start();
      await untilItAnswers(() => store.probe());
    });

    test.each([
      [/redis_version:\d/, "redis_version:6", "Oncegate needs 7.0 or later"],
      [/loading:0/, "loading:1", "is still loading its data"],
    ])("does not use a server that says %s is %s", async (said, instead, why) => {
      const proxy = await faultProxy(fixture.server.port, (answer) => answer.replace(said, instead));
      const store = fixture.openAt(`redis://127.0.0.1:${proxy.port}`);
      expect(await troubleOf(store)).toMatchObject(unsent(why));
      await store.close();
      await proxy.close();
    });

    test("goes on when the server forgets its scripts", async () => {
      const store = await fixture.open();
      const name = anyName();
      const attempt = anAttempt(store);
      await store.records.claim(name, attempt);
      await fixture.client.script("FLUSH");
      expect(await store.records.claim(name, attempt)).toEqual({ kind: "yours" });
      await fixture.client.script("FLUSH");
      expect(await store.records.complete(name, theAnswer(attempt, "invoice 1"))).toBe("completed");
    });

    test("never takes a record in a format that it does not know for absent", async () => {
      const store = await fixture.open();
      const name = anyName();
      const attempt = anAttempt(store);
      await store.records.claim(name, attempt);
      const [key] = await fixture.client.keys(`og:*${name}`);
      await fixture.client.setrange(key!, 0, "9");
      const before = await fixture.client.getBuffer(key!);
      const { records } = store;
      for (const verb of [
        () => records.claim(name, attempt),
        () => records.begin(name, attempt.owner, LEASE),
        () => records.renew(name, attempt.owner, LEASE),
        () => records.complete(name, theAnswer(attempt, "invoice 1")),
        () => records.release(name, attempt.owner),
        () => records.hold(name, attempt.owner, "shutdown"),
        () => records.read(name),
      ])
        await expect(verb()).rejects.toMatchObject(unsent("another version of Oncegate"));
      expect(await fixture.client.getBuffer(key!)).toEqual(before);
    });

    // A Redis hash of the same fields adds 1,004 to an answer of 1,000 (Redis 7.0.15).
    test("takes at most 350 bytes besides the body of an answer of 600 with eight headers", async () => {
      const store = await fixture.open();
      const name = anyName();
      const { body, head } = anInvoice(600);
      const headers = [...head, "Date", new Date().toUTCString()];
      const attempt = anAttempt(store);
      const answer = await sealKept(new Keyring(), name, attempt, { kind: "answer", status: 201, headers, body });
      await store.records.complete(name, theAnswer(attempt, answer));
      const [key] = await fixture.client.keys(`og:*${name}`);
      const expiry = 24 + 2 * 12; // of which MEMORY USAGE says nothing: an entry, and a place in each of the two tables
      expect(headers).toHaveLength(16);
      expect(Number(await fixture.client.memory("USAGE", key!)) + expiry).toBeLessThanOrEqual(950);
    });
  });
});
