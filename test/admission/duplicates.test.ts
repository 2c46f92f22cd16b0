import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Duplicates } from "../../src/admission/duplicates.ts";
import type { Entered } from "../../src/admission/duplicates.ts";
import type { Name } from "../../src/domain/record.ts";
import { Keyring } from "../../src/store/keyring.ts";
import { Lease } from "../../src/store/lease.ts";
import { Owner } from "../../src/store/owner.ts";
import { StoreError } from "../../src/store/records.ts";
import type { Records, Store } from "../../src/store/records.ts";
import type { Originals } from "../../src/store/originals.ts";
import { anAttempt, anyName, anyToken, KEEP, LEASE, SECOND, theAnswer } from "../store/operation.ts";
import { STORES } from "../support/test-store.ts";
import type { TestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";

const always = (): boolean => true;

describe.each(STORES)("who eliminates duplicates on %s", (_name, start) => {
  let given: TestStore;
  let store: Store;
  let leases: Lease[];
  let likeness: Name;
  beforeEach(async () => {
    given = await start();
    store = await given.open();
    [leases, likeness] = [[], anyName()];
  });
  afterEach(async () => {
    for (const lease of leases) lease.stopRenewing();
    await given.destroy();
  });

  /** A gateway's claim of a key of its own, which enters as such; `through`: verbs that fail, or during which something happens. */
  async function enters(through: { originals?: Partial<Originals>; records?: Partial<Records> } = {}) {
    const { records } = store;
    const settings = { keyring: new Keyring(), records, leaseMs: LEASE, unknownRetentionMs: KEEP, onAlarm: () => {} };
    const owner = new Owner(settings);
    const name = anyName();
    const claim = await owner.claim(name, { fingerprint: anyToken(), credential: anyToken() }, always, "claimed");
    if (claim.kind !== "claimed") throw new Error(claim.kind);
    const { lease } = claim;
    leases.push(lease);
    const duplicates = new Duplicates({
      originals: { ...store.originals, ...through.originals },
      records: {
        time: (of) => records.time(of),
        read: (of) => records.read(of),
        revoke: (of, by) => records.revoke(of, by),
        ...through.records,
      },
      unknownRetentionMs: KEEP,
      open: (of, record) => owner.open(of, record),
    });
    const entering = (): Promise<Entered> =>
      duplicates.enter(likeness, lease, { windowMs: LEASE, isNameCurrent: always });
    return { name, lease, entering, entered: await entering().catch((error: unknown) => error) };
  }

  /** A gateway that died before it began, or, where it says so, behind that. */
  async function aDeadOriginal(hasBegun = false) {
    const [name, attempt] = [anyName(), anAttempt(store, { into: "claimed" })];
    const { owner } = attempt;
    await store.records.claim(name, attempt);
    await store.originals.stand(likeness, { own: { name, owner }, instead: undefined }, KEEP);
    if (hasBegun) await store.records.begin(name, owner, LEASE);
    return { name, owner, attempt };
  }
  const ORIGINAL = { kind: "original" };
  const duplicate = (of: object) => ({ kind: "duplicate", of: expect.objectContaining(of) });

  test("an original that may still begin is waited for, and when its lease is over it cannot begin any more", async () => {
    const dead = await aDeadOriginal();
    expect((await enters()).entered).toEqual(duplicate({ kind: "in_flight" }));
    await given.advance(LEASE);
    const { entered, lease } = await enters();
    expect(entered).toEqual(ORIGINAL);
    expect(await store.records.begin(dead.name, dead.owner, LEASE)).toBe("lost");
    expect(await lease.begin()).toBe("begun");
  });

  test("an original that died behind its beginning is unknown, and never replaced", async () => {
    const { name } = await aDeadOriginal(true);
    await given.advance(LEASE);
    for (let i = 0; i < 3; i++) expect((await enters()).entered).toEqual(duplicate({ kind: "unknown" }));
    expect((await store.records.read(name))?.state).toBe("unknown");
  });

  test("an original that comes back to life while its place is being taken keeps it", async () => {
    const dead = await aDeadOriginal();
    await given.advance(LEASE);
    const { entered } = await enters({
      records: {
        async revoke(name, owner) {
          await store.records.begin(dead.name, dead.owner, LEASE);
          return store.records.revoke(name, owner);
        },
      },
    });
    expect(entered).toEqual(duplicate({ kind: "unknown" })); // nobody knows whether it will still be sent
    expect(await store.records.complete(dead.name, theAnswer(dead.attempt, ""))).toBe("completed");
  });

  test("a retry that took over a key is another original than its dead owner was", async () => {
    const dead = await aDeadOriginal();
    await given.advance(LEASE);
    const { fingerprint, credential } = dead.attempt;
    const heir = anAttempt(store, { into: "claimed", fingerprint, credential });
    expect(await store.records.claim(dead.name, heir)).toEqual({ kind: "claimed" });
    const { entered } = await enters();
    expect(entered).toEqual(ORIGINAL);
    const own = { name: dead.name, owner: heir.owner };
    expect(await store.originals.stand(likeness, { own, instead: dead }, KEEP)).toMatchObject({ kind: "taken" });
  });

  test("what was released gives its place up, and a late word of it blocks nobody", async () => {
    const { lease } = await enters();
    const { holder } = lease;
    await lease.release();
    await store.originals.stand(likeness, { own: holder, instead: undefined }, KEEP);
    expect((await enters()).entered).toEqual(ORIGINAL);
  });

  test("an original that seems to be gone keeps its place while replicas do not say so, too", async () => {
    const { name, owner } = await aDeadOriginal();
    await store.records.release(name, owner);
    const revoke = () => Promise.reject(new StoreError("ambiguous", "too few replicas"));
    expect((await enters({ records: { revoke } })).entered).toBeInstanceOf(StoreError);
    expect((await enters()).entered).toEqual(ORIGINAL);
  });

  test.each(["unsent", "ambiguous"] as const)("a word that was lost (%s) is said again", async (fate) => {
    let isFirst = true;
    const { entered } = await enters({
      originals: {
        async stand(...args) {
          const said = fate === "ambiguous" || !isFirst ? await store.originals.stand(...args) : undefined;
          if (!isFirst && said !== undefined) return said;
          isFirst = false;
          throw new StoreError(fate, "no reply");
        },
      },
    });
    expect(entered).toEqual(ORIGINAL);
  });

  test("a store that does not answer is no permission, and leaves nothing behind that blocks", async () => {
    const { entered, lease } = await enters({
      originals: {
        async stand(...args) {
          await store.originals.stand(...args);
          throw new StoreError("ambiguous", "no reply");
        },
      },
    });
    expect(entered).toBeInstanceOf(StoreError);
    await lease.release();
    expect((await enters()).entered).toEqual(ORIGINAL);
  });

  test("of 20 that find the same dead original exactly one takes its place", async () => {
    await aDeadOriginal();
    await given.advance(LEASE);
    const all = await Promise.all(Array.from({ length: 20 }, () => enters()));
    expect(all.filter(({ entered }) => JSON.stringify(entered) === JSON.stringify(ORIGINAL))).toHaveLength(1);
  });

  test("its place outlives the longest unknown by the window, should the store not hear how long it counts", async () => {
    const keep = () => Promise.reject(new StoreError("unsent", "away"));
    const { lease } = await enters({ originals: { keep } });
    await lease.begin();
    await lease.complete({ kind: "executed" }, 2 * KEEP);
    await given.advance(KEEP + LEASE / 2);
    expect((await enters()).entered).toEqual(duplicate({ kind: "completed" }));
  });

  test("its place is kept for the window once it completed", async () => {
    const { lease } = await enters();
    await lease.begin();
    await lease.complete({ kind: "executed" }, 10 * LEASE);
    const other = anyName();
    const standsLater = async (): Promise<string> =>
      (await store.originals.stand(likeness, { own: { name: other, owner: anyToken() }, instead: undefined }, KEEP))
        .kind;
    expect((await enters()).entered).toEqual(duplicate({ kind: "completed" }));
    await until("the window is over", async () => {
      await given.advance(SECOND);
      return (await standsLater()) === "stands";
    });
    expect((await store.records.read(lease.holder.name))?.state).toBe("completed");
  });
});
