import { afterEach, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { ABSENT, markText, readMark } from "../../src/domain/continuity.ts";
import { Continuity } from "../../src/store/continuity.ts";
import type { Contact, Marks } from "../../src/store/marks.ts";
import { StoreError } from "../../src/store/records.ts";
import { until } from "../support/until.ts";

const PARTITIONS = 6;
const QUIET_MS = 2_000;
const opened: Continuity[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

/** Partitions that answer one by one, each whenever it likes: nobody sees them all at one moment. */
class Site {
  /** What it has of every process in every partition. */
  claims = 0;
  marks: string[] = Array.from({ length: PARTITIONS }, () => ABSENT);
  /** How often something is written before the process that writes it dies; Infinity: never. */
  open(writes = Infinity, contact: Contact = { made: 1, anotherAt: undefined }): Continuity {
    let left = writes;
    const later = async <Result>(act: () => Result): Promise<Result> => {
      await sleep(Math.random() * 4);
      return act();
    };
    const marks: Marks = {
      partitions: PARTITIONS,
      contact: () => contact,
      read: () => Promise.all(this.marks.map((_, i) => later(() => ({ mark: this.marks[i]!, count: this.claims })))),
      replace: ({ partition, from, to }) =>
        later(() => {
          if (left-- <= 0) throw new StoreError("unsent", "it died");
          if (this.marks[partition] === from) this.marks[partition] = to;
        }),
    };
    const continuity = new Continuity(marks, undefined, { lookEveryMs: 5, quietMs: QUIET_MS });
    opened.push(continuity);
    return continuity;
  }
}

const ANN = { by: "Ann", why: "looked" };
const allStand = (kind: string, all: Continuity[]) =>
  until(`all stand ${kind}`, () => all.every((one) => one.standing.kind === kind));

test.each(Array.from({ length: 20 }, (_, i) => i))(
  "processes that make, stop and accept a store at once agree in the end, also where one dies half-way (%i)",
  async (writes) => {
    const site = new Site();
    const dying = site.open(writes % PARTITIONS);
    await dying.look().catch(() => {});
    const all = Array.from({ length: 4 }, () => site.open());
    await allStand("whole", all);
    expect(new Set(site.marks).size).toBe(1);
    expect(readMark(site.marks[0]!)).toMatchObject({ generation: 1, isFlagged: false });
    // Nobody ever took the making of it for a loss.
    expect(all.map(({ era }) => era)).toEqual([1, 1, 1, 1]);

    const lost = Math.floor(Math.random() * PARTITIONS);
    site.marks[lost] = ABSENT;
    await allStand("lost", all);
    // Accepted by one that dies half-way, and then by two at once.
    const accepting = site.open((writes * 7) % (2 * PARTITIONS));
    await accepting.accept(ANN).catch(() => {});
    const said = await Promise.all(all.slice(0, 2).map((one) => one.accept(ANN)));
    expect(said.every((kind) => kind === "accepted" || kind === "not-lost")).toBe(true);
    await allStand("whole", [...all, site.open()]);
    expect(new Set(site.marks).size).toBe(1);
    expect(readMark(site.marks[0]!)).toMatchObject({ isFlagged: false });
  },
);

/** One whose connections a test makes. */
async function connected() {
  const site = new Site();
  const contact = { made: 1, anotherAt: undefined as number | undefined };
  const continuity = site.open(Infinity, contact);
  await continuity.look();
  return { site, contact, continuity };
}

test("a claim that was under way when a connection was made counts as unheard", async () => {
  const { site, contact, continuity } = await connected();
  site.claims = 2;
  const [before, after] = [continuity.pass(0), continuity.pass(0)];
  continuity.acknowledged(before, 1);
  expect(continuity.pass(0)).toMatchObject({ mark: expect.stringMatching(/:1$/), count: 1, refusal: undefined });
  contact.made++;
  expect(() => continuity.acknowledged(after, 2)).toThrow(StoreError);
  expect(continuity.pass(0).refusal).toMatchObject({ fate: "unsent" });
  await continuity.ready();
  expect(continuity.pass(0)).toMatchObject({ count: 1, refusal: undefined });
});

test("what is acknowledged out of order is remembered as far as it got", async () => {
  const { site, continuity } = await connected();
  site.claims = 2;
  const [first, second] = [continuity.pass(3), continuity.pass(3)];
  continuity.acknowledged(second, 2);
  continuity.acknowledged(first, 1);
  expect([continuity.pass(3).count, continuity.pass(4).count]).toEqual([2, 0]);
});

test("a server that was not there before is quiet first, however well it stands, and one at the start is not", async () => {
  const { contact, continuity } = await connected();
  Object.assign(contact, { made: 2, anotherAt: performance.now() });
  await continuity.look();
  expect(continuity.pass(0).refusal).toMatchObject({ message: expect.stringContaining("all gateways look first") });
  await expect(continuity.ready()).rejects.toThrow("all gateways look first");
  await until("the quiet time is over", () => continuity.pass(0).refusal === undefined);
  expect(performance.now() - contact.anotherAt!).toBeGreaterThanOrEqual(QUIET_MS);
});

test("a claim that the store refuses although all seemed well is looked into at once", async () => {
  const { site, continuity } = await connected();
  const pass = continuity.pass(0);
  site.marks = site.marks.map(() => ABSENT);
  expect(() => continuity.refused(pass)).toThrow(StoreError);
  await until("the loss is noticed", () => continuity.standing.kind === "lost");
  expect(continuity.refused(continuity.pass(0))).toBe("store_lost");
});

test("a look that falls into an acceptance elsewhere takes nothing for lost", async () => {
  const whole = (mark: string) => Array.from({ length: PARTITIONS }, () => ({ mark, count: 0 }));
  // The first partition was read before the flag was raised, the others after it was gone.
  const readings = [whole("a:1"), [...whole("a:1").slice(0, 1), ...whole("a:2").slice(1)]];
  const marks: Marks = {
    partitions: PARTITIONS,
    contact: () => ({ made: 1, anotherAt: undefined }),
    read: async () => readings.shift() ?? whole("a:2"),
    replace: async () => {
      throw new Error("nothing has to be written");
    },
  };
  const continuity = new Continuity(marks, undefined, { lookEveryMs: 10_000, quietMs: 0 });
  opened.push(continuity);
  const heard: string[] = [];
  continuity.onChange(({ kind }) => heard.push(kind));
  await continuity.look();
  await continuity.look();
  expect([heard, continuity.era]).toEqual([["unseen", "whole"], 2]);
});

test("whoever missed a loss and its acceptance goes on, and misses no claim of before", async () => {
  const site = new Site();
  const one = site.open();
  await one.look();
  site.claims = 5;
  one.acknowledged(one.pass(0), 5);
  await one.look();
  const { id } = readMark(site.marks[0]!)!;
  [site.claims, site.marks] = [0, site.marks.map(() => markText({ id, generation: 2, isFlagged: false }))];
  for (let looks = 0; looks < 3; looks++) await one.look();
  expect([one.standing.kind, one.era, one.pass(0).count]).toEqual(["whole", 2, 0]);
});

test("a claim that was taken under another mark than the one that stands now does not count", async () => {
  const site = new Site();
  const one = site.open();
  await one.look();
  const pass = one.pass(0);
  const { id } = readMark(site.marks[0]!)!;
  site.marks = site.marks.map(() => markText({ id, generation: 2, isFlagged: false }));
  await one.look();
  expect(() => one.acknowledged(pass, 1)).toThrow("connected anew");
});

test("a look that began before the store was connected anew says nothing of what is there now", async () => {
  const contact = { made: 1, anotherAt: undefined };
  const one = new Site().open(Infinity, contact);
  const look = one.look();
  contact.made = 2;
  await look;
  expect(one.pass(0).refusal).toBeInstanceOf(StoreError);
});
