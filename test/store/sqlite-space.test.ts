import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Store } from "../../src/store/records.ts";
import { until, untilItAnswers } from "../support/until.ts";
import { anAttempt, anyName, DAY, RETENTION, theAnswer } from "./operation.ts";
import { sqliteFixture } from "./sqlite-fixture.ts";
import type { SqliteFixture } from "./sqlite-fixture.ts";

let fixture: SqliteFixture;
beforeEach(async () => {
  fixture = await sqliteFixture();
});
afterEach(() => fixture.destroy());

const fileBytes = () => statSync(fixture.file).size;
const logBytes = () => statSync(`${fixture.file}-wal`).size;

async function record(store: Store, answerBytes: number): Promise<void> {
  const [name, attempt] = [anyName(), anAttempt(store)];
  await untilItAnswers(() => store.records.claim(name, attempt));
  await untilItAnswers(() => store.records.complete(name, theAnswer(attempt, Buffer.alloc(answerBytes))));
}

test("a file and its log shrink when what they kept has expired, while claims go on", async () => {
  const store = await fixture.open({ sweepEveryMs: 50 });
  const connection = fixture.connect();
  const count = () => Number(connection.prepare("SELECT count(*) AS records FROM record").get()?.["records"]);
  await Promise.all(Array.from({ length: 450 }, (_, i) => record(store, i % 50 === 0 ? 1_000_000 : 100)));
  expect(count()).toBe(450);
  expect(fileBytes() + logBytes()).toBeGreaterThan(9_000_000);
  await fixture.advance(RETENTION + DAY);
  await record(store, 100);
  await until("both are small again", () => count() === 1 && fileBytes() + logBytes() < 500_000);
});

test("a file's log stays small in a burst of large answers, and is empty after the next sweep", async () => {
  const store = await fixture.open();
  for (let round = 0; round < 12; round++) await Promise.all(Array.from({ length: 8 }, () => record(store, 1_000_000)));
  expect(fileBytes()).toBeGreaterThan(80_000_000);
  expect(logBytes()).toBeLessThan(32_000_000); // 16 MiB and what is in the last batches
  await fixture.open({ sweepEveryMs: 50 });
  await until("the log is empty", () => logBytes() === 0);
});

test("a secret of names that is replaced stands nowhere in the file any more", async () => {
  const store = await fixture.open();
  const [clear, sealed] = [randomBytes(32), randomBytes(96)];
  const isIn = (secret: Buffer) => readFileSync(fixture.file).includes(secret);
  await store.nameSecret(clear);
  await store.probe(); // writes behind it
  await store.close();
  expect(isIn(clear)).toBe(true);
  const next = await fixture.open();
  await next.replaceNameSecret(clear, sealed);
  await next.close();
  expect([isIn(clear), isIn(sealed)]).toEqual([false, true]);
});
