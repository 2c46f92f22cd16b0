import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { askAgainMs, DocumentQueue } from "../../src/admission/document-queue.ts";
import type { Turn, Waiting, Wish } from "../../src/admission/document-queue.ts";
import { StoreError } from "../../src/store/records.ts";
import type { Store } from "../../src/store/records.ts";
import type { Turns } from "../../src/store/turns.ts";
import { anAttempt, anyName, anyOwner } from "../store/operation.ts";
import { anEntry } from "../store/queue.ts";
import { STORES } from "../support/test-store.ts";
import type { TestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";

const document = anyName();
const wish = (differing: Partial<Wish> = {}): [Waiting, Wish] => [
  { holder: { owner: anyOwner(), name: anyName() } },
  { isDelete: false, waitMs: 30_000, ...differing },
];
function turnOf(entered: Turn | "busy" | "deleting"): Turn {
  if (typeof entered === "string") throw new Error(entered);
  return entered;
}

describe.each(STORES)("the document queue of gateways on %s", (_name, start) => {
  let shared: TestStore;
  let stores: Store[];
  let gateways: DocumentQueue[];
  beforeEach(async () => {
    shared = await start();
    stores = [await shared.open(), await shared.open(), await shared.open()];
    gateways = stores.map((store) => aGateway(store));
  });
  afterEach(async () => {
    await Promise.all(gateways.map((gateway) => gateway.idle()));
    await shared.destroy();
  });
  const aGateway = ({ turns, records }: Store, leaseMs = 20_000, through: Partial<Turns> = {}): DocumentQueue =>
    new DocumentQueue({ turns: { ...turns, ...through }, records, leaseMs });

  test("lets 60 operations of three gateways run one after the other, in the order in which the store heard of them", async () => {
    const ran: number[] = [];
    let running = 0;
    let most = 0;
    const blocked = turnOf(await gateways[0]!.enter(document, ...wish()));
    const ended: Promise<void>[] = [];
    for (let i = 0; i < 60; i++) {
      const heard = Promise.withResolvers<void>();
      const { turns } = stores[i % 3]!;
      const gateway = aGateway(stores[i % 3]!, 20_000, {
        enter: (of, entry) => turns.enter(of, entry).finally(heard.resolve),
      });
      gateways.push(gateway);
      const operation = async (): Promise<void> => {
        const turn = turnOf(await gateway.enter(document, ...wish()));
        most = Math.max(most, ++running);
        expect(turn.isGood()).toBe(true);
        ran.push(i);
        await sleep(2);
        running--;
        turn.leave();
      };
      ended.push(operation());
      await heard.promise;
    }
    blocked.leave();
    await Promise.all(ended);
    expect(ran).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(most).toBe(1);
  });

  test("keeps a turn up for longer than a lease, and says busy to who waited its time", async () => {
    const gateway = aGateway(stores[0]!, 3_000);
    const turn = turnOf(await gateway.enter(document, ...wish()));
    expect(await gateways[1]!.enter(document, ...wish({ waitMs: 7_000 }))).toBe("busy");
    expect(turn.isGood()).toBe(true);
    turn.leave();
    await gateway.idle();
    turnOf(await gateways[2]!.enter(document, ...wish())).leave();
  });

  test("says at once that another delete of the document waits or runs", async () => {
    const edit = turnOf(await gateways[0]!.enter(document, ...wish()));
    const deletes = gateways[1]!.enter(document, ...wish({ isDelete: true }));
    await until("it waits", async () => {
      const another = anEntry(stores[2]!, document, { isDelete: true, aliveMs: 1 });
      return (await stores[2]!.turns.enter(document, another)).kind === "deleting";
    });
    expect(await gateways[2]!.enter(document, ...wish({ isDelete: true }))).toBe("deleting");
    edit.leave();
    const turn = turnOf(await deletes);
    expect(await gateways[2]!.enter(document, ...wish({ isDelete: true }))).toBe("deleting");
    turn.leave();
  });

  test.each([
    ["claimed", undefined],
    ["executing", "unknown"],
  ] as const)(
    "takes the turn of a gateway that died when its lease is over, and its operation that was %s cannot go on",
    async (into, becomes) => {
      const { records, turns } = stores[0]!;
      const attempt = anAttempt(stores[0]!, { into });
      const dead = { owner: attempt.owner, name: anyName() };
      await records.claim(dead.name, attempt);
      expect(await turns.enter(document, anEntry(stores[0]!, document, { ...dead, leaseMs: 1_000 }))).toEqual({
        kind: "held",
      });

      const turn = turnOf(await gateways[1]!.enter(document, ...wish()));
      expect((await records.read(dead.name))?.state).toBe(becomes);
      expect(await turns.renew(document, dead.owner, 1_000)).toBe("lost");
      expect(turn.isGood()).toBe(true);
      turn.leave();
    },
  );

  test("passes those who died in the line", async () => {
    const holder = turnOf(await gateways[0]!.enter(document, ...wish()));
    for (let i = 0; i < 20; i++)
      await stores[1]!.turns.enter(document, anEntry(stores[1]!, document, { aliveMs: 1_000 }));
    const entering = gateways[1]!.enter(document, ...wish());
    holder.leave();
    const turn = turnOf(await entering);
    expect(turn.isGood()).toBe(true);
    turn.leave();
  });

  test("ends a wait in time, and says why, where the store stops answering; nothing is left behind", async () => {
    const holder = turnOf(await gateways[0]!.enter(document, ...wish()));
    const enteredAt = performance.now();
    const entering = gateways[1]!.enter(document, ...wish({ waitMs: 3_000 }));
    await sleep(500);
    shared.fail();
    try {
      await expect(entering).rejects.toThrow(StoreError);
      expect(performance.now() - enteredAt).toBeLessThan(15_000); // and not the 20 s of the lease before it
    } finally {
      shared.recover();
    }
    holder.leave();
    await Promise.all(gateways.map((gateway) => gateway.idle()));
    turnOf(await gateways[2]!.enter(document, ...wish())).leave();
  });

  test("leaves no place and no turn behind whose first asking arrived twice, the second time after it had left", async () => {
    const late: (() => Promise<unknown>)[] = [];
    const { turns } = stores[0]!;
    const gateway = aGateway(stores[0]!, 20_000, {
      enter: async (of, entry) => {
        if (late.length > 0) return turns.enter(of, entry);
        late.push(() => turns.enter(of, entry));
        throw new StoreError("ambiguous", "no reply");
      },
    });
    turnOf(await gateway.enter(document, ...wish({ waitMs: 10_000 }))).leave();
    for (const copy of late) expect(await copy()).toEqual({ kind: "held" });
    await gateway.idle();
    turnOf(await gateways[1]!.enter(document, ...wish({ waitMs: 10_000 }))).leave();
  });
});

const TURNS_MS = [5, 20, 200, 2_000, 60_000];
const PATIENCE_MS = 5_000;

describe("in a line of 500, however long a turn takes,", () => {
  test.each(TURNS_MS)("%i ms, the store is asked four times a second by each at most, and soon twice", (turnMs) => {
    const asks = Array.from({ length: 500 }, (_, place) => asking(place, turnMs)).flatMap(({ at }) => at);
    const inSecond = (second: number): number => asks.filter((at) => Math.floor(at / 1_000) === second).length;
    expect(inSecond(0)).toBeLessThan(4 * 500);
    expect(inSecond(2)).toBeLessThan(2.1 * 500);
    expect(inSecond(4)).toBeLessThan(2.1 * 500);
  });

  test.each(TURNS_MS)("%i ms, it is given on within 20 ms or a quarter of that, though nobody is told", (turnMs) => {
    for (let place = 0; place < 500; place++) {
      const { lateMs } = asking(place, turnMs);
      expect(lateMs).toBeLessThanOrEqual(Math.max(20, turnMs / 4));
    }
  });
});

/** When one asks who has `place` others before it, each of whom takes `turnMs`. */
function asking(place: number, turnMs: number): { at: number[]; lateMs: number } {
  const turnAt = (place + 1) * turnMs;
  const at: number[] = [];
  let now = 0;
  while (now < Math.min(turnAt, PATIENCE_MS)) {
    at.push(now);
    const moved = Math.floor(now / turnMs);
    now += askAgainMs(place - moved, moved, now);
  }
  return { at, lateMs: now - turnAt };
}
