import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { DatabaseSync } from "node:sqlite";
import { leaseClock } from "../../src/store/sqlite/clock.ts";
import { openFile } from "../../src/store/sqlite/file.ts";
import { sweepEvery } from "../../src/store/sqlite/sweep.ts";
import { FORGOTTEN_MS } from "../../src/store/turns.ts";
import { until } from "../support/until.ts";
import { HOUR } from "./operation.ts";
import { sqliteFixture } from "./sqlite-fixture.ts";
import type { SqliteFixture } from "./sqlite-fixture.ts";

let fixture: SqliteFixture;
let db: DatabaseSync;
let stop: (() => void) | undefined;
const unused = (): number => 0;
beforeEach(async () => {
  fixture = await sqliteFixture();
  db = openFile(fixture.file).db;
});
afterEach(async () => {
  stop?.();
  db.close();
  await fixture.destroy();
});

/** `expires`: the wall clock's time in ms. */
function fill(count: number, expires: number, answerBytes = 0): void {
  db.exec(`
    WITH RECURSIVE nth (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM nth WHERE n < ${count})
    INSERT INTO record (name, state, owner, fingerprint, credential, started_at, expires, answer)
    SELECT hex(randomblob(16)), 'completed', '', '', '', 0, ${expires}, zeroblob(${answerBytes}) FROM nth`);
}
const countOf = (sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0]);
const rows = () => countOf("SELECT count(*) FROM record");
const pages = () => countOf("PRAGMA page_count");

/** Sweeps until nothing is left to do; resolves to how many rows and pages there were after each of its transactions. */
async function sweep(asked = unused): Promise<{ rows: number[]; pages: number[] }> {
  const left = { rows: [rows()], pages: [pages()] };
  const exec = db.exec.bind(db);
  let isOver = false;
  db.exec = (sql) => {
    exec(sql);
    if (sql === "COMMIT") left.rows.push(rows());
    if (sql.includes("incremental_vacuum")) left.pages.push(pages());
    isOver ||= sql.includes("wal_checkpoint");
  };
  stop = sweepEvery(HOUR, db, asked);
  await until("the end of the sweep", () => isOver);
  return left;
}
const mostAtOnce = (left: number[]): number => Math.max(...left.slice(1).map((now, i) => left[i]! - now));

test("what expired is removed a few rows at a time, and what did not stays", async () => {
  fill(1_500, Date.now() - 1);
  fill(300, Date.now() + HOUR);
  const left = (await sweep()).rows;
  expect([left[0], left.at(-1)]).toEqual([1_800, 300]);
  expect(mostAtOnce(left)).toBeLessThanOrEqual(40);
});

test("a sweep removes no more rows at a time than there were asks in between, while there are any", async () => {
  fill(100, Date.now() - 1);
  let asks = 0;
  const left = (await sweep(() => (asks += 3))).rows;
  expect(left.at(-1)).toBe(0);
  expect(mostAtOnce(left)).toBeLessThanOrEqual(3);
});

test("what a sweep does not wait for, the disk, claims wait for again", async () => {
  fill(50, Date.now() - 1);
  const levels = new Set<number>();
  const exec = db.exec.bind(db);
  db.exec = (sql) => {
    exec(sql);
    if (sql === "COMMIT") levels.add(countOf("PRAGMA synchronous"));
  };
  stop = sweepEvery(HOUR, db, unused);
  await until("the end of the sweep", () => rows() === 0);
  expect([...levels]).toEqual([1]); // NORMAL
  expect(countOf("PRAGMA synchronous")).toBe(2); // FULL
});

test("pages are given back a few at a time, until an eighth of the file is free, for what comes next", async () => {
  fill(40, Date.now() - 1, 100_000);
  fill(10, Date.now() + HOUR, 100_000);
  const left = (await sweep()).pages;
  expect(left[0]! - left.at(-1)!).toBeGreaterThan(900);
  expect(mostAtOnce(left)).toBeLessThanOrEqual(32 + 2); // the page that maps them can go with them
  expect(countOf("PRAGMA freelist_count")).toBeLessThanOrEqual(pages() / 8);
  expect(countOf("PRAGMA freelist_count")).toBeGreaterThan(0);
});

test("another process's lock holds a sweep up without ending it, and the sweep waits for none", async () => {
  fill(500, Date.now() - 1);
  const other = fixture.connect();
  other.exec("BEGIN IMMEDIATE");
  let refused = 0;
  const exec = db.exec.bind(db);
  db.exec = (sql) => {
    try {
      exec(sql);
    } catch (error) {
      refused++;
      throw error;
    }
  };
  stop = sweepEvery(HOUR, db, unused);
  await until("three tries", () => refused >= 3);
  expect(countOf("PRAGMA busy_timeout")).toBeGreaterThan(0);
  expect(rows()).toBe(500);
  other.exec("ROLLBACK");
  await until("all is removed", () => rows() === 0);
});

test("who is dead keeps its turn and its place for days, also after a reboot set the clock back, so that the next one hears of it", async () => {
  const now = leaseClock();
  const leaseUntils = { longDead: now - FORGOTTEN_MS - 1, dead: now - HOUR, alive: now + HOUR, ahead: now + 10 * HOUR };
  const turn = db.prepare("INSERT INTO turn VALUES (?, 'owner', 'name', 0, ?, ?)");
  const waiter = db.prepare("INSERT INTO waiter VALUES (?, 1, 'owner', 0, ?, ?)");
  for (const [document, leaseUntil] of Object.entries(leaseUntils))
    for (const statement of [turn, waiter]) statement.run(document, leaseUntil, 2 * HOUR);
  await sweep();
  for (const table of ["turn", "waiter"]) {
    const left = db.prepare(`SELECT document, lease_until FROM ${table} ORDER BY document`).all();
    expect(left.map(({ document }) => document)).toEqual(["ahead", "alive", "dead"]);
    expect(left[0]!["lease_until"]).toBeLessThanOrEqual(leaseClock());
    expect(left[0]!["lease_until"]).toBeGreaterThanOrEqual(now);
  }
});

test("a turn that another process renewed while a sweep waited for the lock is not ahead of the sweep's clock", async () => {
  db.exec("INSERT INTO turn VALUES ('d', 'owner', 'name', 0, 0, 1000)");
  let begun = 0;
  const renew = db.prepare("UPDATE turn SET lease_until = ?, lease_ms = ?");
  const exec = db.exec.bind(db);
  db.exec = (sql) => {
    if (sql === "BEGIN IMMEDIATE" && ++begun === 2) {
      // the first is for records
      const waited = leaseClock() + 2;
      while (leaseClock() < waited);
      renew.run(leaseClock() + HOUR, HOUR);
    }
    exec(sql);
  };
  const before = leaseClock();
  await sweep();
  expect(begun).toBeGreaterThanOrEqual(2); // more where the disk is slow
  expect(countOf("SELECT lease_until FROM turn")).toBeGreaterThanOrEqual(before + HOUR);
});
