import { execFile } from "node:child_process";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const BENCH = fileURLToPath(new URL("../../bench/bench.ts", import.meta.url));

/** Figures mean nothing on a busy machine; what must hold is that everything starts, is asked, executes what it must and is printed. */
test("the bench runs everything and prints what it found", async () => {
  const options = ["--rounds", "1", "--seconds", "1", "--warmup", "1", "--connections", "8", "--only", "small"];
  const { stdout } = await promisify(execFile)(execPath, [BENCH, ...options], { timeout: 600_000 });
  for (const row of ["Oncegate, redis", "Oncegate, sqlite", "Oncegate, pass-through", "@node-idempotency/core, redis"])
    expect(stdout).toMatch(new RegExp(`^small +${row} +[1-9]`, "m"));
  expect(stdout).toMatch(/^added latency p50, redis : bare +(yes|NO) +-?[\d.]+ /m);
  expect(stdout).toMatch(/^600 B in clear +[1-9]\d+ +[1-9]\d+ /m);
}, 600_000);
