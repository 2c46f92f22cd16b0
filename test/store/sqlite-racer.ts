/**
 * A process that claims the keys FIRST up to and without END of a file, as sqlite-race.test.ts says, and prints one line
 * for each acknowledgement: `claimed I OWNER`, `completed I OWNER`.
 * Usage: node sqlite-racer.ts FILE FIRST END, where END may be Infinity
 */
import { once } from "node:events";
import { argv, stdin, stdout } from "node:process";
import { StoreError } from "../../src/store/records.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { anAttempt, anyToken, theAnswer } from "./operation.ts";

/** As many operations as are under way at once, so that batches hold several. */
const AT_ONCE = 8;

const [, , file = "", first = "0", end = "0"] = argv;
const fingerprint = "f".repeat(22);
const store = await openSqlite({ file });
stdout.write("ready\n");
await once(stdin, "data");

const keys = (function* () {
  for (let i = Number(first); i < Number(end); i++) yield i;
})();
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (const i of keys) {
      const name = `${"r".repeat(22)}.${String(i).padStart(22, "0")}`;
      const attempt = anAttempt(store, { fingerprint, credential: anyToken() });
      const { kind } = await untilItAnswers(() => store.records.claim(name, attempt));
      if (kind !== "claimed" && kind !== "yours") continue;
      stdout.write(`claimed ${i} ${attempt.owner}\n`);
      if (i % 2 === 0) continue;
      await untilItAnswers(() => store.records.complete(name, theAnswer(attempt, `answer ${attempt.owner}`)));
      stdout.write(`completed ${i} ${attempt.owner}\n`);
    }
  }),
);
await store.close();
stdin.destroy();

/** Sends a verb again after a StoreError, as a gateway does: on a busy machine a lock or a reply may take too long. */
async function untilItAnswers<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
}
