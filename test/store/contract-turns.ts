import { describe, expect, test } from "@jest/globals";
import type { Entry } from "../../src/domain/turn.ts";
import type { Given } from "./contract.ts";
import { anyName, anyOwner, SECOND } from "./operation.ts";
import { ALIVE, anEntry, aQueue, DELETING, HELD, LEASE, PATIENCE, waiting } from "./queue.ts";

export function queueing({ open, advance, restart }: Given): void {
  describe("the queue of a document", () => {
    test("gives the turn to who comes first, and to nobody else while its lease is good", async () => {
      const { ask, enters } = aQueue(await open());
      const first = await enters(HELD);
      const second = await enters(waiting(0));
      expect(await ask(first)).toEqual(HELD);
      expect(await ask(second)).toEqual(waiting(0));
    });

    test("serves in order of arrival, however often and in whatever order they ask", async () => {
      const { ask, enters, leaves } = aQueue(await open());
      const first = await enters(HELD);
      const line: Entry[] = [];
      for (let i = 0; i < 5; i++) line.push(await enters(waiting(i)));
      for (const entry of line.toReversed()) expect(await ask(entry)).toEqual(waiting(line.indexOf(entry)));
      let holder = first;
      while (line.length > 0) {
        expect(await leaves(holder)).toBe(line[0]!.owner);
        for (const entry of line.slice(1).toReversed()) expect(await ask(entry)).toEqual(waiting(line.indexOf(entry)));
        holder = line.shift()!;
        expect(await ask(holder)).toEqual(HELD);
      }
      expect(await leaves(holder)).toBeUndefined();
      await enters(HELD);
    });

    test("lets nobody who comes later pass one who waits while nobody holds the turn", async () => {
      const { ask, enters, leaves } = aQueue(await open());
      const first = await enters(HELD);
      const second = await enters(waiting(0));
      await leaves(first);
      await enters(waiting(1));
      expect(await ask(second)).toEqual(HELD);
    });

    test("is none of another document's", async () => {
      const store = await open();
      const [one, other] = [aQueue(store), aQueue(store)];
      const first = await one.enters(HELD);
      const second = await one.enters(waiting(0));
      await other.enters(HELD);
      await other.leaves(first);
      expect(await one.ask(second)).toEqual(waiting(0));
    });

    test("gives the turn to exactly one of 200 that arrive at once on two handles, and to all one after the other", async () => {
      const stores = [await open(), await open()];
      const document = anyName();
      const entries = Array.from({ length: 200 }, () => anEntry(stores[0]!, document));
      const answers = await Promise.all(entries.map((entry, i) => stores[i % 2]!.turns.enter(document, entry)));
      expect(answers.filter(({ kind }) => kind === "held")).toHaveLength(1);
      const place = (i: number): number => (answers[i]!.kind === "waiting" ? answers[i]!.ahead : -1);
      const order = entries.map((_, i) => i).toSorted((one, other) => place(one) - place(other));
      for (const [i, at] of order.entries()) {
        const { turns } = stores[i % 2]!;
        expect(await turns.enter(document, entries[at]!)).toEqual(HELD);
        const { next } = await turns.leave(document, entries[at]!.owner);
        expect(next).toBe(entries[order[i + 1] ?? -1]?.owner);
      }
    });

    test("survives the store's own death: holder, order and all", async () => {
      const before = aQueue(await open());
      const first = await before.enters(HELD);
      const line = [await before.enters(waiting(0)), await before.enters(waiting(1))];
      await restart();
      const { turns } = await open();
      expect(await turns.enter(before.document, line[1]!)).toEqual(waiting(1));
      expect(await turns.enter(before.document, line[0]!)).toEqual(waiting(0));
      expect(await turns.enter(before.document, first)).toEqual(HELD);
    });
  });

  describe("who holds a turn", () => {
    test("keeps it for as long as it renews in time, or asks again", async () => {
      const { ask, enters, renews } = aQueue(await open());
      const holder = await enters(HELD);
      for (let i = 0; i < 2; i++) {
        await advance(LEASE - 20 * SECOND);
        expect(await renews(holder)).toBe("renewed");
        await advance(LEASE - 20 * SECOND);
        expect(await ask(holder)).toEqual(HELD);
      }
      await enters(waiting(0));
    });

    test("cannot renew it once its lease is over, though nobody has taken it, or has another one's", async () => {
      const { enters, renews } = aQueue(await open());
      const holder = await enters(HELD);
      const other = await enters(waiting(0));
      expect(await renews(other)).toBe("lost");
      await advance(LEASE + SECOND);
      expect(await renews(holder)).toBe("lost");
    });

    test("and died is named to the next one, who takes it only from the one whose operation it revoked", async () => {
      const { ask, entry, enters } = aQueue(await open());
      const dead = await enters(HELD);
      const next = await enters(waiting(0));
      await advance(LEASE + SECOND);
      const { owner, name } = dead;
      expect(await ask(next)).toEqual({ kind: "lapsed", holder: { owner, name } });
      expect(await ask({ ...next, after: anyOwner() })).toEqual({ kind: "lapsed", holder: { owner, name } });
      expect(await ask(entry())).toEqual(waiting(1));
      expect(await ask({ ...next, after: owner })).toEqual(HELD);
      expect(await ask({ ...next, after: owner })).toEqual(HELD);
    });

    test("and came back to life in between keeps it", async () => {
      const { ask, enters } = aQueue(await open());
      const paused = await enters(HELD);
      const next = await enters(waiting(0));
      await advance(LEASE + SECOND);
      expect(await ask(next)).toMatchObject({ kind: "lapsed" });
      expect(await ask(paused)).toEqual(HELD);
      expect(await ask({ ...next, after: paused.owner })).toEqual(waiting(0));
    });

    test("is not robbed by a late word about the holder before it", async () => {
      const { ask, enters, leaves } = aQueue(await open());
      const dead = await enters(HELD);
      const [second, third] = [await enters(waiting(0)), await enters(waiting(1))];
      await advance(LEASE + SECOND);
      expect(await ask({ ...second, after: dead.owner })).toEqual(HELD);
      expect(await ask({ ...third, after: dead.owner })).toEqual(waiting(0));
      expect(await leaves(dead)).toBeUndefined();
      expect(await ask(third)).toEqual(waiting(0));
    });

    test("further ahead than its lease was long counts as dead, as does who waits so, after a clock that ran backwards", async () => {
      const { enters, leaves, ask } = aQueue(await open());
      const holder = await enters(HELD);
      await enters(waiting(0));
      await advance(-ALIVE);
      const next = await enters({ kind: "lapsed", holder: { owner: holder.owner, name: holder.name } });
      expect(await leaves(holder)).toBe(next.owner);
      expect(await ask(next)).toEqual(HELD);
    });
  });

  describe("who waits in a line", () => {
    test("and leaves it is gone from it, which may be said twice", async () => {
      const { ask, enters, leaves } = aQueue(await open());
      const holder = await enters(HELD);
      const [leaver, next] = [await enters(waiting(0)), await enters(waiting(1))];
      expect(await leaves(leaver)).toBeUndefined();
      expect(await leaves(leaver)).toBeUndefined();
      expect(await leaves(holder)).toBe(next.owner);
      expect(await ask(next)).toEqual(HELD);
    });

    test("and died does not keep those behind it from their turn", async () => {
      const { ask, enters, leaves } = aQueue(await open());
      const holder = await enters(HELD);
      for (let i = 0; i < 3; i++) await enters(waiting(i));
      await advance(ALIVE + SECOND);
      const alive = await enters(waiting(0));
      await enters(waiting(1));
      expect(await leaves(holder)).toBe(alive.owner);
      expect(await ask(alive)).toEqual(HELD);
    });

    test("and was taken for dead keeps its place until somebody passed it, and then stands last", async () => {
      const { ask, enters } = aQueue(await open());
      await enters(HELD);
      const [first, second] = [await enters(waiting(0)), await enters(waiting(1))];
      await advance(ALIVE + SECOND);
      expect(await ask(first)).toEqual(waiting(0));
      const third = await enters(waiting(2));
      expect(await ask(second)).toEqual(waiting(1)); // nobody passed it: it stood behind one who is alive
      await advance(ALIVE + SECOND);
      expect(await ask(third)).toEqual(waiting(0));
      expect(await ask(first)).toEqual(waiting(1));
    });

    test.each([
      ["is over", -1],
      ["lies further ahead than its patience was long", PATIENCE + 10 * SECOND],
    ])("whose deadline %s gets no turn and has no place, but may hold one", async (_, ahead) => {
      const store = await open();
      const { document, ask, enters, leaves } = aQueue(store);
      const late = (entry: Entry): Entry => ({ ...entry, deadline: store.turns.time(document) + ahead });
      const holder = await enters(HELD);
      const waiter = await enters(waiting(0));
      expect(await ask(late(waiter))).toEqual({ kind: "too_late" });
      expect(await ask(late(holder))).toEqual(HELD);
      expect(await leaves(holder)).toBeUndefined();
      expect(await ask(late(waiter))).toEqual({ kind: "too_late" });
      await enters(HELD);
    });

    test("passes 300 dead in front of it at once", async () => {
      const { ask, enters, entry } = aQueue(await open());
      const dead = await enters(HELD);
      await Promise.all(Array.from({ length: 300 }, () => ask(entry())));
      await advance(LEASE + SECOND);
      const living = await enters({ kind: "lapsed", holder: { owner: dead.owner, name: dead.name } });
      expect(await ask({ ...living, after: dead.owner })).toEqual(HELD);
    });
  });

  describe("a delete", () => {
    const DELETE = { isDelete: true };

    test("is refused at once while another one of the same document runs or waits, and edits are not", async () => {
      const { enters, leaves, ask } = aQueue(await open());
      const running = await enters(HELD, DELETE);
      await enters(DELETING, DELETE);
      const edit = await enters(waiting(0));
      await leaves(running);
      expect(await ask(edit)).toEqual(HELD);
      const second = await enters(waiting(0), DELETE);
      await enters(DELETING, DELETE);
      expect(await ask(second)).toEqual(waiting(0));
    });

    test("waits for the edits before it, and the edits behind it for it", async () => {
      const { enters, leaves, ask } = aQueue(await open());
      const edit = await enters(HELD);
      const deletes = await enters(waiting(0), DELETE);
      const behind = await enters(waiting(1));
      await leaves(edit);
      expect(await ask(behind)).toEqual(waiting(1));
      expect(await ask(deletes)).toEqual(HELD);
      expect(await ask(behind)).toEqual(waiting(0));
      await enters(DELETING, DELETE);
    });

    test("that left, or died in the line or with the turn, refuses no other", async () => {
      const { enters, leaves, ask } = aQueue(await open());
      const holder = await enters(HELD);
      await leaves(await enters(waiting(0), DELETE));
      const died = await enters(waiting(0), DELETE);
      await advance(ALIVE + SECOND);
      const after = await enters(waiting(0), DELETE);
      expect(await ask(died)).toEqual(DELETING);
      await leaves(holder);
      expect(await ask(after)).toEqual(HELD);
      await advance(LEASE + SECOND);
      await enters({ kind: "lapsed", holder: { owner: after.owner, name: after.name } }, DELETE);
    });
  });
}
