import { afterEach, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { ABSENT, readMark } from "../../src/domain/continuity.ts";
import { Continuity } from "../../src/store/continuity.ts";
import type { Marks } from "../../src/store/marks.ts";
import { StoreError } from "../../src/store/records.ts";
import { until } from "../support/until.ts";

const PARTITIONS = 6;
const opened: Continuity[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

/** Partitions that answer one by one, each whenever it likes: nobody sees them all at one moment. */
class Site {
  marks: string[] = Array.from({ length: PARTITIONS }, () => ABSENT);
  /** How often something is written before the process that writes it dies; Infinity: never. */
  open(writes = Infinity): Continuity {
    let left = writes;
    const later = async <Result>(act: () => Result): Promise<Result> => {
      await sleep(Math.random() * 4);
      return act();
    };
    const marks: Marks = {
      partitions: PARTITIONS,
      contact: () => ({ made: 1, anotherAt: undefined }),
      read: () => Promise.all(this.marks.map((_, i) => later(() => ({ mark: this.marks[i]!, count: 0 })))),
      replace: ({ partition, from, to }) =>
        later(() => {
          if (left-- <= 0) throw new StoreError("unsent", "it died");
          if (this.marks[partition] === from) this.marks[partition] = to;
        }),
    };
    const continuity = new Continuity(marks, undefined, { lookEveryMs: 5, quietMs: 0 });
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
