import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { copyFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../../src/store/records.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { refuseOldSqlite } from "../../src/store/sqlite/file.ts";
import { untilItAnswers } from "../support/until.ts";
import { storeContract } from "./contract.ts";
import { anAttempt, anyName, aRetry } from "./operation.ts";
import { sqliteFixture } from "./sqlite-fixture.ts";
import type { SqliteFixture } from "./sqlite-fixture.ts";

storeContract("sqlite", sqliteFixture);

describe("sqlite store", () => {
  let fixture: SqliteFixture;
  beforeEach(async () => {
    fixture = await sqliteFixture();
  });
  afterEach(() => fixture.destroy());

  describe("the file", () => {
    const makeFile = (fill: (db: DatabaseSync) => void) => {
      mkdirSync(dirname(fixture.file));
      const db = new DatabaseSync(fixture.file);
      fill(db);
      db.close();
    };

    test("is made with its folder, to be read by nobody else", async () => {
      await fixture.open();
      expect(statSync(dirname(fixture.file)).mode & 0o777).toBe(0o700);
    });

    test("is opened by ten at once where there is none", async () => {
      const stores = await Promise.all(Array.from({ length: 10 }, () => fixture.open()));
      const attempts = stores.map((store) => store.records.claim(anyName(), anAttempt(store)));
      expect(await Promise.all(attempts)).toEqual(stores.map(() => ({ kind: "claimed" })));
    });

    test("is refused where its folder cannot be made", async () => {
      const blocked = join(fixture.file, "..", "..", "file");
      writeFileSync(blocked, "");
      const file = join(blocked, "data", "oncegate.db");
      await expect(openSqlite({ file })).rejects.toMatchObject({
        name: "StoreError",
        fate: "unsent",
        message: expect.stringMatching(/^SQLite file \/.*\/data\/oncegate.db: its folder cannot be made \(.*EEXIST/),
      });
    });

    test("is refused where it is a folder", async () => {
      mkdirSync(fixture.file, { recursive: true });
      const message = expect.stringContaining(`${fixture.file}: it cannot be opened or created`);
      await expect(fixture.open()).rejects.toMatchObject({ name: "StoreError", fate: "unsent", message });
    });

    test("is refused where it is not a database", async () => {
      mkdirSync(dirname(fixture.file));
      writeFileSync(fixture.file, "invoice,amount\n".repeat(100));
      const message = expect.stringContaining(`${fixture.file}: it is not an SQLite database`);
      await expect(fixture.open()).rejects.toMatchObject({ name: "StoreError", fate: "unsent", message });
    });

    test("is refused where a newer version made it, and left as it was", async () => {
      await fixture.open().then((store) => store.close());
      const newer = fixture.connect();
      newer.exec("PRAGMA user_version = 99");
      const message = expect.stringMatching(/oncegate.db: it has format 99, made by a newer version/);
      await expect(fixture.open()).rejects.toMatchObject({ name: "StoreError", fate: "unsent", message });
    });

    test("is refused where it is another program's, and left as it was", async () => {
      makeFile((db) => db.exec("CREATE TABLE invoice (id INTEGER)"));
      const message = expect.stringContaining(`${fixture.file}: it belongs to another program`);
      await expect(fixture.open()).rejects.toMatchObject({ name: "StoreError", fate: "unsent", message });
      expect(fixture.connect().prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
    });

    test("is refused by an SQLite that could corrupt it", () => {
      for (const version of ["3.51.2", "3.9.99", "2.60.0"]) expect(() => refuseOldSqlite(version)).toThrow(version);
      for (const version of ["3.51.3", "3.51.10", "3.60.0"]) expect(() => refuseOldSqlite(version)).not.toThrow();
    });

    test("is checkpointed when the last one closes it", async () => {
      const store = await fixture.open();
      await store.probe();
      expect(existsSync(`${fixture.file}-wal`)).toBe(true);
      await store.close();
      expect(existsSync(`${fixture.file}-wal`)).toBe(false);
    });
  });

  describe("its thread", () => {
    test("says 'unsent' while another process holds the lock, and the verb was not done", async () => {
      const store = await fixture.open();
      const other = fixture.connect();
      const [name, attempt] = [anyName(), anAttempt(store)];
      other.exec("BEGIN IMMEDIATE");
      let refusal: unknown;
      // On a machine so slow that the reply came too late, it is asked again.
      do refusal = await store.records.claim(name, attempt).catch((error: unknown) => error);
      while (fateOf(refusal) === "ambiguous");
      expect(refusal).toMatchObject({
        name: "StoreError",
        fate: "unsent",
        message: expect.stringContaining(`${fixture.file}: another process holds its lock`),
      });
      other.exec("ROLLBACK");
      expect(await store.records.read(name)).toBeUndefined();
      expect(await store.records.claim(name, attempt)).toEqual({ kind: "claimed" });
    });

    test("says 'ambiguous' of what it still does after the reply was due", async () => {
      const store = await fixture.open();
      const other = fixture.connect();
      let answer: string;
      // Which of two batches is the late one, and whether it still gets the lock, is the machine's to say.
      do {
        const [name, attempt] = [anyName(), anAttempt(store)];
        other.exec("BEGIN IMMEDIATE");
        const busy = store.probe();
        await Promise.resolve();
        const late = store.records.claim(name, attempt);
        const [, outcome] = await Promise.allSettled([busy, late]);
        other.exec("ROLLBACK");
        await untilItAnswers(() => store.probe());
        answer = outcome.status === "rejected" ? fateOf(outcome.reason) : "answered";
        if (answer === "ambiguous") answer += `, then ${(await store.records.claim(name, attempt)).kind}`;
      } while (answer !== "ambiguous, then yours");
      expect(answer).toBe("ambiguous, then yours");
    });

    test("comes back by itself when it died, with what it acknowledged", async () => {
      const store = await fixture.open();
      const [name, attempt] = [anyName(), anAttempt(store)];
      expect(await store.records.claim(name, attempt)).toEqual({ kind: "claimed" });
      await fixture.restart();
      await expect(store.probe()).rejects.toMatchObject({ fate: "unsent", message: expect.stringContaining("ended") });
      await expect(store.describe()).rejects.toMatchObject({ name: "StoreError" });
      await untilItAnswers(() => store.probe());
      expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "in_flight" });
    });

    test("writes nothing to a file that was removed, and says so", async () => {
      const store = await fixture.open();
      rmSync(fixture.file);
      await expect(store.records.claim(anyName(), anAttempt(store))).rejects.toMatchObject({
        fate: "unsent",
        message: expect.stringContaining("removed or replaced"),
      });
    });

    test("notices that a backup was written over its file, when it opens it again", async () => {
      const store = await fixture.open();
      const backup = `${fixture.file}.backup`;
      const other = new DatabaseSync(fixture.file);
      other.exec(`VACUUM INTO '${backup}'`);
      other.close();
      expect(await store.records.claim(anyName(), anAttempt(store))).toEqual({ kind: "claimed" });
      await fixture.restart();
      // At once, before the next thread opens it.
      for (const log of ["-wal", "-shm"]) rmSync(fixture.file + log, { force: true });
      copyFileSync(backup, fixture.file);
      const attempt = anAttempt(store);
      expect(await untilItAnswers(() => store.records.claim(anyName(), attempt))).toEqual({ kind: "store_lost" });
    });

    test("says 'ambiguous' of what it was doing when it died", async () => {
      const store = await fixture.open();
      const other = fixture.connect();
      other.exec("BEGIN IMMEDIATE");
      const underWay = store.records.claim(anyName(), anAttempt(store));
      await Promise.resolve();
      const waits = store.records.claim(anyName(), anAttempt(store));
      const fates = Promise.allSettled([underWay, waits]);
      await fixture.restart();
      const message = expect.stringContaining("the store's thread ended");
      expect(await fates).toMatchObject([
        { reason: { fate: "ambiguous", message } },
        { reason: { fate: "unsent", message } },
      ]);
    });

    test("finishes the batch under way before it closes, and refuses what waits", async () => {
      const store = await fixture.open();
      const attempt = anAttempt(store);
      const [first, second] = [anyName(), anyName()];
      const underWay = store.records.claim(first, attempt);
      await Promise.resolve();
      const waits = store.records.claim(second, attempt);
      const closed = store.close();
      await expect(waits).rejects.toMatchObject({ name: "StoreError", fate: "unsent" });
      expect(await underWay).toEqual({ kind: "claimed" });
      await closed;
      const again = await fixture.open();
      expect(await again.records.read(first)).toMatchObject({ state: "executing" });
      expect(await again.records.read(second)).toBeUndefined();
    });

    test("closes also while it is down", async () => {
      const store = await fixture.open();
      await fixture.restart();
      await store.close();
      await expect(store.probe()).rejects.toMatchObject({ message: expect.stringContaining("closed") });
    });
  });
});

function fateOf(error: unknown): string {
  return error instanceof StoreError ? error.fate : String(error);
}
