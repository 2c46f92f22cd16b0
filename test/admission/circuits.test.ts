import { describe, expect, test } from "@jest/globals";
import { Circuits } from "../../src/admission/circuits.ts";
import { until } from "../support/until.ts";

type Result = "well" | "failed" | "not begun";
const breaker = { failures: 3, coolOffMs: 1_000 };
/** Not over in the time of any test. */
const lasting = { ...breaker, coolOffMs: 3_600_000 };
const of = (scope: string, by = breaker) => ({ rule: { breaker: by, isObserved: false }, name: `${scope}.key` });
const A = of("a");

function circuits() {
  const all = new Circuits<Result>((result) => result === "failed", "not begun");
  const calls: string[] = [];
  const run = (operation: ReturnType<typeof of>, result: Result | Promise<Result>): Promise<Result> =>
    all.run(operation, async () => {
      calls.push(operation.name);
      return result;
    });
  return { all, calls, run };
}

async function opened(operation = A) {
  const opening = circuits();
  for (let i = 0; i < 3; i++) await opening.run(operation, "failed");
  return opening;
}

describe("a circuit", () => {
  test("opens after failures in a row, of one scope, and says for how long", async () => {
    const { all, calls, run } = circuits();
    for (const result of ["failed", "failed", "well", "failed", "failed"] as const) await run(A, result);
    expect(all.secondsOpen(A)).toBeUndefined();
    await run(A, "failed");
    expect(all.secondsOpen(A)).toBe(1);
    expect(await run(A, "well")).toBe("not begun");
    expect(calls).toHaveLength(6);
    expect(all.secondsOpen(of("b"))).toBeUndefined();
    expect(await run(of("b"), "well")).toBe("well");
  });

  test("after the cool-off one is tried and nobody waits for it; its success closes it", async () => {
    const { all, calls, run } = await opened();
    await until("it has cooled off", () => all.secondsOpen(A) === undefined);
    const trial = Promise.withResolvers<Result>();
    const tried = run(A, trial.promise);
    expect(await Promise.all([run(A, "well"), run(A, "well")])).toEqual(["not begun", "not begun"]);
    expect(all.secondsOpen(A)).toBe(1);
    trial.resolve("well");
    expect([await tried, await run(A, "failed"), all.secondsOpen(A), calls.length]).toEqual([
      "well",
      "failed",
      undefined,
      5,
    ]);
  });

  test("a trial that fails opens it for another cool-off", async () => {
    const { all, run } = await opened();
    await until("it has cooled off", () => all.secondsOpen(A) === undefined);
    expect(await run(A, "failed")).toBe("failed");
    expect([all.secondsOpen(A), await run(A, "well")]).toEqual([1, "not begun"]);
  });

  test("what throws is no answer of the API's and is passed on", async () => {
    const { all, run } = circuits();
    for (let i = 0; i < 5; i++) await expect(run(A, Promise.reject(new Error("a bug")))).rejects.toThrow("a bug");
    expect(all.secondsOpen(A)).toBeUndefined();
  });

  test("of 10,001 scopes that fail the first is forgotten, and of those that do well nothing is kept", async () => {
    const first = of("first", lasting);
    const { all, run } = await opened(first);
    for (let i = 0; i < 10_000; i++) await run(of(`well-${i}`, lasting), "well");
    expect(all.secondsOpen(first)).toBeGreaterThan(0);
    for (let i = 0; i < 10_000; i++) await run(of(`failing-${i}`, lasting), "failed");
    expect(all.secondsOpen(first)).toBeUndefined();
  });
});
