import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kept } from "../../src/domain/replay.ts";
import { Keyring } from "../../src/store/keyring.ts";
import { Owner } from "../../src/store/owner.ts";
import { StoreError } from "../../src/store/records.ts";
import type { Records, Store } from "../../src/store/records.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { anyName, anyToken, LEASE } from "./operation.ts";

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-owner-"));
  store = await openSqlite({ file: join(folder, "records.db") });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a settling is waited for while its answer is compressed in the background, and its repetition says the same", async () => {
  const sent: Uint8Array[] = [];
  const records: Records = {
    ...store.records,
    async complete(name, completion) {
      sent.push(completion.answer);
      const said = await store.records.complete(name, completion);
      if (sent.length === 1) throw new StoreError("ambiguous", "no reply");
      return said;
    },
  };
  const settings = { records, keyring: new Keyring(), leaseMs: LEASE, unknownRetentionMs: 60_000 };
  const alarms: unknown[] = [];
  const owner = new Owner({ ...settings, onAlarm: (alarm) => alarms.push(alarm) });
  const name = anyName();
  const what = { fingerprint: anyToken(), credential: anyToken() };
  const claim = await owner.claim(name, what, () => true);
  if (claim.kind !== "claimed") throw new Error(claim.kind);

  const kept: Kept = { kind: "answer", status: 201, headers: [], body: Buffer.alloc(1_000_000, "an invoice, ") };
  const settled = claim.lease.complete(kept, 60_000);
  await owner.idle();
  expect(await owner.claim(name, what, () => true)).toEqual({ kind: "completed", credential: what.credential, kept });
  expect(await settled).toBe(true);
  expect(sent).toHaveLength(2);
  expect(sent[1]).toEqual(sent[0]);
  expect(sent[0]!.length).toBeLessThan(10_000);
  expect(alarms).toEqual([]);
});
