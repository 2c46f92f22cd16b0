import { expect, test } from "@jest/globals";
import { Thread } from "../../src/store/sqlite/thread.ts";

/** Takes 2.5 times as long for its first batch as a reply may. Answers with the number of asks that it ever got. */
const SLOW = new URL(`data:text/javascript,
  import { parentPort } from "node:worker_threads";
  let got = 0;
  parentPort.on("message", (batch) => {
    if (batch === "close") return parentPort.close();
    const late = got === 0 ? 2500 : 0;
    got += batch.length;
    setTimeout(() => parentPort.postMessage({ kind: "done", answers: batch.map(() => ({ answer: got })) }), late);
  });
  parentPort.postMessage({ kind: "open", id: "slow" });
`);

test("an ask that waited too long for its turn is 'unsent', and is not sent when its turn comes", async () => {
  const thread = await Thread.open({ file: "slow.db", sweepEveryMs: 60_000 }, SLOW);
  const first = thread.ask("countUnknown");
  await Promise.resolve();
  const second = thread.ask("countUnknown");
  expect(await Promise.allSettled([first, second])).toMatchObject([
    { reason: { name: "StoreError", fate: "ambiguous" } },
    { reason: { name: "StoreError", fate: "unsent" } },
  ]);
  let got: number | undefined;
  do got = await thread.ask("countUnknown").catch(() => undefined);
  while (got === undefined);
  await thread.close();
  expect(got).toBe(2);
});
