import { describe, expect, test } from "@jest/globals";
import { isSame } from "../../src/domain/original.ts";
import type { Original } from "../../src/domain/original.ts";
import type { Store } from "../../src/store/records.ts";
import { untilItAnswers } from "../support/until.ts";
import type { Given } from "./contract.ts";
import { anAttempt, anyName, anyOwner, DAY, HOUR, KEEP } from "./operation.ts";

const STANDS = { kind: "stands" };

export function originating({ open, advance, restart, empty, snapshot }: Given): void {
  const anOriginal = (): Original => ({ name: anyName(), owner: anyOwner() });

  /** One likeness, as a store's handle sees it. */
  function aLikeness({ originals }: Store, likeness = anyName()) {
    return {
      likeness,
      stand: (own: Original, instead?: Original) => originals.stand(likeness, { own, instead }, KEEP),
      keep: (own: Original, keepMs: number) => originals.keep(likeness, own, keepMs),
    };
  }

  describe("the original of a likeness", () => {
    test("is who comes first, and everybody else is told who that is", async () => {
      const { stand } = aLikeness(await open());
      const [first, second] = [anOriginal(), anOriginal()];
      expect(await stand(first)).toEqual(STANDS);
      expect(await stand(second)).toEqual({ kind: "taken", by: first });
      expect(await stand(first)).toEqual(STANDS);
    });

    test("is none of another likeness's", async () => {
      const store = await open();
      const [one, other] = [aLikeness(store), aLikeness(store)];
      const first = anOriginal();
      expect([await one.stand(first), await other.stand(anOriginal())]).toEqual([STANDS, STANDS]);
      expect(await one.stand(anOriginal())).toEqual({ kind: "taken", by: first });
    });

    test("is exactly one of 100 that come at once on two handles", async () => {
      const stores = [await open(), await open()];
      const likeness = anyName();
      const all = Array.from({ length: 100 }, anOriginal);
      const answers = await Promise.all(all.map((own, i) => aLikeness(stores[i % 2]!, likeness).stand(own)));
      const [first, ...others] = all.filter((_, i) => answers[i]!.kind === "stands");
      expect(others).toEqual([]);
      expect(answers.filter((answer) => answer.kind === "taken" && isSame(answer.by, first))).toHaveLength(99);
    });

    test("is replaced only by who names it, as it stands: the same key under another owner is another", async () => {
      const { stand } = aLikeness(await open());
      const [gone, next, late] = [anOriginal(), anOriginal(), anOriginal()];
      await stand(gone);
      expect(await stand(next, { ...gone, owner: anyOwner() })).toEqual({ kind: "taken", by: gone });
      expect(await stand(next, { ...gone, name: anyName() })).toEqual({ kind: "taken", by: gone });
      expect(await stand(next, gone)).toEqual(STANDS);
      expect(await stand(late, gone)).toEqual({ kind: "taken", by: next });
      expect(await stand(gone)).toEqual({ kind: "taken", by: next });
    });

    test("is one of those only who replace the same one at once", async () => {
      const stores = [await open(), await open()];
      const likeness = anyName();
      const gone = anOriginal();
      await aLikeness(stores[0]!, likeness).stand(gone);
      const all = Array.from({ length: 20 }, anOriginal);
      const answers = await Promise.all(all.map((own, i) => aLikeness(stores[i % 2]!, likeness).stand(own, gone)));
      expect(answers.filter(({ kind }) => kind === "stands")).toHaveLength(1);
    });

    test("survives the store's own death", async () => {
      const before = aLikeness(await open());
      const first = anOriginal();
      await before.stand(first);
      await restart();
      const { stand } = aLikeness(await open(), before.likeness);
      expect(await untilItAnswers(() => stand(anOriginal()))).toEqual({ kind: "taken", by: first });
    });

    test("stays for as long as it was said, also where that is said later", async () => {
      const { stand, keep } = aLikeness(await open());
      const [first, second] = [anOriginal(), anOriginal()];
      await stand(first);
      await advance(KEEP - HOUR);
      expect(await stand(second)).toEqual({ kind: "taken", by: first });
      await keep(first, DAY);
      await advance(DAY - HOUR);
      expect(await stand(second)).toEqual({ kind: "taken", by: first });
      await advance(2 * HOUR);
      expect(await stand(second)).toEqual(STANDS);
    });

    test("is let go by itself and by nobody else", async () => {
      const { stand, keep } = aLikeness(await open());
      const [first, second] = [anOriginal(), anOriginal()];
      await stand(first);
      await keep(second, 0);
      await keep({ ...first, owner: anyOwner() }, 0);
      expect(await stand(second)).toEqual({ kind: "taken", by: first });
      await keep(first, 0);
      expect(await stand(second)).toEqual(STANDS);
      await keep(first, 0);
      expect(await stand(anOriginal())).toEqual({ kind: "taken", by: second });
    });
  });

  describe.each([
    ["was emptied", async () => empty],
    ["went back to an older state", snapshot],
  ])("a store that %s", (_what, prepare) => {
    test("notices by what was said of an original, as by a claim", async () => {
      const store = await open();
      const lose = await prepare();
      const { stand, likeness } = aLikeness(store);
      expect(await stand(anOriginal())).toEqual(STANDS);
      await lose();
      expect(await untilItAnswers(() => stand(anOriginal()))).toEqual({ kind: "store_lost" });
      const inItsPartition = anyName().replace(/\../, `.${likeness.split(".")[1]![0]}`);
      expect(await untilItAnswers(() => store.records.claim(inItsPartition, anAttempt(store)))).toEqual({
        kind: "store_lost",
      });
    });
  });
}
