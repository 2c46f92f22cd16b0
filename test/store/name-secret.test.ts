import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Keyring } from "../../src/store/keyring.ts";
import { Loss } from "../../src/store/loss.ts";
import { NameSecret } from "../../src/store/name-secret.ts";
import type { Naming } from "../../src/store/name-secret.ts";
import { Owner } from "../../src/store/owner.ts";
import type { Store } from "../../src/store/records.ts";
import { untilItAnswers } from "../support/until.ts";
import { anAttempt, anyName, anyToken, SECOND } from "./operation.ts";
import { redisFixture } from "./redis-fixture.ts";
import type { RedisFixture } from "./redis-fixture.ts";

let fixture: RedisFixture;
beforeEach(async () => {
  fixture = await redisFixture();
});
afterEach(() => fixture.destroy());

const ANN = { by: "Ann", why: "looked" };
const keyring = new Keyring();

/** As one gateway has it. */
async function open(configured?: string) {
  const store = await fixture.open();
  const nameSecret = new NameSecret(store, keyring, configured);
  const loss = new Loss({ continuity: store.continuity, nameSecret, acceptAs: undefined, onChange: () => {} });
  return { store, nameSecret, loss };
}
async function namingOf(nameSecret: NameSecret): Promise<Naming> {
  const naming = await nameSecret.naming();
  if (naming === "store_lost") throw new Error(naming);
  return naming;
}
const look = (store: Store) => untilItAnswers(() => store.continuity.look());

test("the secret that gateways know survives a store that lost it", async () => {
  const [one, two] = [await open(), await open()];
  const before = await namingOf(one.nameSecret);
  expect((await namingOf(two.nameSecret)).secret).toEqual(before.secret);
  await fixture.empty();
  await look(one.store);
  // Until somebody accepts it, nobody makes another one: this process would not find what is left.
  const fresh = await open();
  expect(await fresh.nameSecret.naming()).toBe("store_lost");
  expect((await namingOf(one.nameSecret)).secret).toEqual(before.secret);
  expect(await fixture.client.exists("og:name-secret")).toBe(0);

  expect(await two.loss.accept(ANN)).toBe("accepted");
  await look(fresh.store);
  for (const { nameSecret } of [fresh, one, two]) expect((await namingOf(nameSecret)).secret).toEqual(before.secret);
});

test("all gateways use the one that is there when the loss is accepted, and claim nothing that was named before", async () => {
  const gateway = await open();
  const before = await namingOf(gateway.nameSecret);
  expect(before.isCurrent()).toBe(true);
  await fixture.empty();
  await fixture.client.set("og:name-secret", Buffer.alloc(32, 7));
  await look(gateway.store);
  await gateway.loss.accept(ANN);
  expect(before.isCurrent()).toBe(false);

  const { store } = gateway;
  const times = { leaseMs: 10 * SECOND, retentionMs: 60 * SECOND, unknownRetentionMs: 60 * SECOND };
  const owner = new Owner({ records: store.records, keyring, ...times, onAlarm: () => {} });
  const [name, what] = [anyName(), { fingerprint: anyToken(), credential: anyToken() }];
  await expect(owner.claim(name, what, before.isCurrent)).rejects.toMatchObject({ name: "StoreError", fate: "unsent" });
  expect(await store.records.read(name)).toBeUndefined();

  const after = await namingOf(gateway.nameSecret);
  expect(after.secret).toEqual(Buffer.alloc(32, 7));
  const claim = await owner.claim(name, what, after.isCurrent);
  if (claim.kind === "claimed") claim.lease.stopRenewing();
  expect(claim.kind).toBe("claimed");
});

test("a configured secret names also while nobody has accepted a loss, so that replays go on", async () => {
  const before = await open();
  await before.store.records.claim(anyName(), anAttempt(before.store));
  await fixture.empty();
  await look(before.store);
  const fresh = await open("a-configured-secret");
  expect((await namingOf(fresh.nameSecret)).secret.toString()).toBe("a-configured-secret");
});
