import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { campaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import { TREE } from "./host.ts";
import { faultKinds } from "./nemesis.ts";
import { injected, report } from "./report.ts";
import type { StoreName } from "./store.ts";

/** The short form of `npm run chaos`: the same seeds each time, and one that nobody has seen before. */
const RANDOM_SEED = String(randomInt(2 ** 32));
const RANDOM_STORE: StoreName = Number(RANDOM_SEED) % 2 === 0 ? "redis" : "sqlite";

/** Faults last for FAULTS_S; starting, healing and the final retries take as long again, and all of it longer on a busy machine. */
const FAULTS_S = 10;
const TIMEOUT_MS = 180_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-chaos-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const shortly = (storeName: StoreName, seed: string): Campaign => ({
  storeName,
  seed,
  seconds: FAULTS_S,
  clients: 12,
  gateways: 2,
  kinds: faultKinds(storeName),
  mischief: { upstream: true, leaving: true },
  folder,
  tree: TREE,
});

test.each([
  ["redis", "1"],
  ["sqlite", "1"],
  [RANDOM_STORE, RANDOM_SEED],
] as const)(
  "no answer is lost, doubled, foreign or in flight for ever on %s with seed %s",
  async (storeName, seed) => {
    const { history, ledger, violations } = await campaign(shortly(storeName, seed));
    process.stdout.write(`\nchaos on ${storeName}, seed ${seed}\n${report(history, ledger, violations)}\n`);
    expect(violations).toEqual([]);
    expect(injected(history, ledger).get("kill")).toBeGreaterThan(0);
    expect(ledger.some(({ what }) => what === "acted")).toBe(true);
  },
  TIMEOUT_MS,
);

test.each(["redis", "sqlite"] as const)(
  "without any fault nothing is unknown on %s, though clients leave in every phase",
  async (storeName) => {
    const plan = { ...shortly(storeName, "1"), seconds: 4, kinds: [], mischief: { upstream: false, leaving: true } };
    const { history, violations } = await campaign(plan);
    expect(violations).toEqual([]);
    const codes = history.flatMap((entry) =>
      entry.what === "ended" && entry.ending.kind === "answer" ? [entry.ending.code] : [],
    );
    expect(codes.length).toBeGreaterThan(100);
    expect(codes).not.toContain("outcome-unknown");
  },
  TIMEOUT_MS,
);
