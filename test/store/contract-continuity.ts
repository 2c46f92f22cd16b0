import { describe, expect, test } from "@jest/globals";
import type { Name } from "../../src/domain/record.ts";
import type { Store } from "../../src/store/records.ts";
import { until, untilItAnswers } from "../support/until.ts";
import type { Given } from "./contract.ts";
import { anAttempt, anyName, aRetry, LEASE, theAnswer } from "./operation.ts";

const LOST = { kind: "store_lost" };
const ANN = { by: "Ann", why: "nothing was started in that minute" };

export function continuing({ open, restart, empty, snapshot }: Given): void {
  /** All in one partition, where a claim notices that an earlier one is gone. */
  const aName = (): Name => anyName().replace(/\../, ".A");
  const claimAnew = (store: Store) => untilItAnswers(() => store.records.claim(aName(), anAttempt(store)));
  const standings = (...stores: Store[]) => stores.map(({ continuity }) => continuity.standing.kind);
  const look = (...stores: Store[]) =>
    Promise.all(stores.map((store) => untilItAnswers(() => store.continuity.look())));

  describe.each([
    ["was emptied", async () => empty],
    ["went back to an older state", snapshot],
  ])("a store that %s", (_what, prepare) => {
    test("starts nothing more for anybody, also where only one had claimed", async () => {
      const [claimer, other] = [await open(), await open()];
      const lose = await prepare();
      expect(await claimAnew(claimer)).toEqual({ kind: "claimed" });
      await lose();
      expect(await claimAnew(claimer)).toEqual(LOST);
      expect(await claimAnew(other)).toEqual(LOST);
      expect(await claimAnew(await open())).toEqual(LOST);
      await restart();
      expect(await claimAnew(await open())).toEqual(LOST);
    });

    test("goes on for everybody when somebody accepts it, and says so in the journal", async () => {
      const [one, two] = [await open(), await open()];
      const lose = await prepare();
      await claimAnew(one);
      await lose();
      expect(await claimAnew(one)).toEqual(LOST);
      const eras = [one.continuity.era, two.continuity.era];
      expect(await untilItAnswers(() => two.continuity.accept(ANN))).toBe("accepted");
      await look(one, two);
      expect(await claimAnew(one)).toEqual({ kind: "claimed" });
      expect(await claimAnew(two)).toEqual({ kind: "claimed" });
      // What was named before may have been named with a secret that is lost.
      expect([one.continuity.era, two.continuity.era]).toEqual(eras.map((era) => era + 1));
      const store = one.continuity.standing.id;
      expect(await one.journal.latest(5)).toEqual([{ at: expect.any(Number), event: "loss-accepted", store, ...ANN }]);
      expect(await one.continuity.accept(ANN)).toBe("not-lost");
    });

    test("still settles what runs", async () => {
      const store = await open();
      const lose = await prepare();
      const [name, attempt] = [aName(), anAttempt(store)];
      await store.records.claim(name, attempt);
      await lose();
      expect(await claimAnew(store)).toEqual(LOST);
      expect(await untilItAnswers(() => store.records.complete(name, theAnswer(attempt, "invoice 1")))).toBe(
        "recreated",
      );
      expect(await store.records.claim(name, aRetry(store, attempt))).toMatchObject({ kind: "completed" });
    });

    test("does not permit what waits", async () => {
      const store = await open();
      const lose = await prepare();
      await claimAnew(store);
      await lose();
      expect(await claimAnew(store)).toEqual(LOST);
      const [name, attempt] = [aName(), anAttempt(store, { into: "claimed" })];
      expect(await store.records.claim(name, attempt)).toEqual(LOST);
      expect(await store.records.begin(name, attempt.owner, LEASE)).toBe("lost");
    });
  });

  describe("a store that lost something", () => {
    test("still tells of what it has, and keeps it when the loss is accepted", async () => {
      const store = await open();
      const [kept, running, waiting] = [aName(), aName(), aName()];
      const attempt = anAttempt(store);
      const waits = anAttempt(store, { into: "claimed" });
      for (const name of [kept, running]) await store.records.claim(name, attempt);
      await store.records.claim(waiting, waits);
      await store.records.complete(kept, theAnswer(attempt, "invoice 1"));
      const lose = await snapshot();
      await claimAnew(store);
      await lose();
      expect(await claimAnew(store)).toEqual(LOST);
      const answers = async (name: Name) => (await store.records.claim(name, aRetry(store, attempt))).kind;
      expect([await answers(kept), await answers(running)]).toEqual(["completed", "in_flight"]);
      expect(await store.records.renew(running, attempt.owner, LEASE)).toBe("renewed");
      // What could be another gateway's by now is not said to be anybody's.
      expect(await store.records.claim(running, attempt)).toEqual(LOST);
      expect(await store.records.begin(waiting, waits.owner, LEASE)).toBe("store_lost");
      await store.continuity.accept(ANN);
      expect(await answers(kept)).toBe("completed");
      expect(await store.records.begin(waiting, waits.owner, LEASE)).toBe("begun");
    });

    test("is noticed again when it loses something again, also what was lost the first time", async () => {
      const store = await open();
      await claimAnew(store);
      const lose = await snapshot();
      for (let time = 0; time < 3; time++) {
        await claimAnew(store);
        await lose();
        expect(await claimAnew(store)).toEqual(LOST);
        await store.continuity.accept(ANN);
        expect(await claimAnew(store)).toEqual({ kind: "claimed" });
      }
    });
  });

  describe("the id of a store", () => {
    test("is one and the same for all that open it at once, and after a restart", async () => {
      const stores = await Promise.all(Array.from({ length: 8 }, () => open()));
      await look(...stores);
      const ids = new Set(stores.map(({ continuity }) => continuity.standing.id));
      expect(ids.size).toBe(1);
      expect([...ids][0]).toMatch(/^[\w-]{16}$/);
      await restart();
      const later = await open();
      await look(later);
      expect(later.continuity.standing).toEqual({ kind: "whole", id: [...ids][0] });
    });

    test("lets a fresh process notice that the store was emptied, and stays when that is accepted", async () => {
      const before = await open();
      const { id } = before.continuity.standing;
      await before.close();
      await empty();
      const [first, second] = [await open({ pinnedId: id }), await open({ pinnedId: id })];
      expect(await claimAnew(first)).toEqual(LOST);
      expect(await claimAnew(second)).toEqual(LOST);
      expect(await untilItAnswers(() => second.continuity.accept(ANN))).toBe("accepted");
      await look(first, second);
      expect([first.continuity.standing, second.continuity.standing]).toEqual([
        { kind: "whole", id },
        { kind: "whole", id },
      ]);
      expect(await claimAnew(first)).toEqual({ kind: "claimed" });
    });

    test("lets a fresh process notice another store, which goes on for those that use it", async () => {
      const [user, stranger] = [await open(), await open({ pinnedId: "another-store-id" })];
      await look(user, stranger);
      expect(await claimAnew(stranger)).toEqual(LOST);
      expect(await stranger.continuity.accept(ANN)).toBe("foreign");
      await look(user, stranger);
      expect(standings(user, stranger)).toEqual(["whole", "foreign"]);
      expect(await claimAnew(user)).toEqual({ kind: "claimed" });
    });
  });

  test("a store that keeps everything over restarts is never taken for one that lost something", async () => {
    const [one, two] = [await open(), await open()];
    for (let time = 0; time < 3; time++) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => claimAnew(i % 2 === 0 ? one : two)));
      await restart();
      await until("both have looked at it", async () => {
        await look(one, two);
        return standings(one, two).every((kind) => kind === "whole");
      });
    }
    expect(await claimAnew(one)).toEqual({ kind: "claimed" });
    expect([one.continuity.era, two.continuity.era]).toEqual([1, 1]);
  });
}
