import { expect, test } from "@jest/globals";
import type { Dispatcher } from "undici";
import { Budget, Share } from "../../src/budget.ts";
import { Try } from "../../src/upstream/try.ts";

/** What undici does not do with our settings, and must not be able to do. */
test("a try that would be sent a second time is not, and is lost", async () => {
  const one = new Try(
    { url: new URL("http://127.0.0.1:1"), ca: undefined, connectTimeoutMs: 1_000, timeoutMs: 1_000, keepBytes: 10 },
    { maySend: () => true, share: new Share(new Budget(10)) },
    { resetting: (abort) => abort(), onFree: () => {} },
  );
  const aborted: string[] = [];
  const controller = (name: string): Dispatcher.DispatchController => ({
    aborted: false,
    paused: false,
    reason: null,
    abort: () => void aborted.push(name),
    pause: () => {},
    resume: () => {},
  });
  one.onRequestStart(controller("first"));
  expect(aborted).toEqual([]);
  one.onRequestStart(controller("second"));
  expect(aborted).toEqual(["second"]);
  expect(await one.ended).toMatchObject({ kind: "lost", reason: "upstream-reset" });
});
