import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Keyring } from "../../src/store/keyring.ts";
import type { Store } from "../../src/store/records.ts";
import { Operator } from "../../src/store/operator.ts";
import { STORES } from "../support/test-store.ts";
import type { TestStore } from "../support/test-store.ts";
import { until, untilItAnswers } from "../support/until.ts";
import { anAttempt, anyName, anyOwner, LEASE, RETENTION } from "./operation.ts";

const QUARANTINE = 1_000;
const NO = { verdict: "not-executed", by: "Ann", why: "no such invoice" } as const;

describe.each(STORES)("on %s, that an operation was not executed", (_store, start) => {
  let testStore: TestStore;
  let store: Store;
  let operator: Operator;
  beforeEach(async () => {
    testStore = await start();
    store = await testStore.open();
    const { records, journal } = store;
    operator = new Operator({
      records,
      journal,
      keyring: new Keyring(),
      retentionMs: RETENTION,
      quarantineMs: QUARANTINE,
    });
  });
  afterEach(async () => {
    await store.close();
    await testStore.destroy();
  });

  const anUnknown = async () => {
    const [name, attempt] = [anyName(), anAttempt(store)];
    await untilItAnswers(() => store.records.claim(name, attempt));
    await untilItAnswers(() => store.records.hold(name, attempt.owner, "upstream-reset"));
    return { name, owner: attempt.owner };
  };

  test("counts when it is seen again after the quarantine, and not before", async () => {
    const { name, owner } = await anUnknown();
    const startedAt = performance.now();
    const first = await operator.resolve(name, { ...NO, owner });
    expect(first).toEqual({ kind: "look-again", inMs: QUARANTINE });
    await until("it is resolved", async () => (await operator.resolve(name, { ...NO, owner })).kind === "resolved");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(QUARANTINE);
    expect(await store.records.read(name)).toBeUndefined();
    expect(await operator.journal(10)).toMatchObject([{ event: "resolved", name, owner, ...NO }]);
  });

  test("is not taken from a look at another attempt, or at one that is not unknown yet", async () => {
    const { name, owner } = await anUnknown();
    expect(await operator.resolve(name, { ...NO, owner: anyOwner() })).toEqual({ kind: "refused" });
    expect(await operator.resolve(anyName(), { ...NO, owner })).toEqual({ kind: "absent" });

    const [running, attempt] = [anyName(), anAttempt(store)];
    await untilItAnswers(() => store.records.claim(running, attempt));
    expect(await operator.resolve(running, { ...NO, owner: attempt.owner })).toEqual({ kind: "refused" });
    await testStore.advance(LEASE + 1_000);
    expect(await operator.resolve(running, { ...NO, owner: attempt.owner })).toEqual({
      kind: "look-again",
      inMs: QUARANTINE,
    });
  });
});
