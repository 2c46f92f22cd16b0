import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { anAttempt, anyName } from "./operation.ts";
import { sqliteFixture } from "./sqlite-fixture.ts";
import type { SqliteFixture } from "./sqlite-fixture.ts";

let fixture: SqliteFixture;
beforeEach(async () => {
  fixture = await sqliteFixture();
});
afterEach(() => fixture.destroy());

test.each([
  ["in a state", "state = 'paused'"],
  ["unknown for a reason", "state = 'unknown', reason = 'because'"],
])(
  "a record %s that this version does not know is never taken for free, and nobody else's is in its way",
  async (_what, change) => {
    const store = await fixture.open();
    const attempt = anAttempt(store);
    const [strange, ...others] = Array.from({ length: 4 }, anyName);
    await store.records.claim(strange!, attempt);
    fixture.connect().exec(`UPDATE record SET ${change}`);

    // Asked in one tick, so in one batch.
    const answers = await Promise.allSettled([strange!, ...others].map((name) => store.records.claim(name, attempt)));
    expect(answers[0]).toMatchObject({ status: "rejected", reason: { name: "StoreError", fate: "unsent" } });
    for (const answer of answers.slice(1)) expect(answer).toEqual({ status: "fulfilled", value: { kind: "claimed" } });
    await expect(store.records.read(strange!)).rejects.toThrow("which this version does not know");
  },
);
