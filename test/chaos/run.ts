import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { randomInt } from "node:crypto";
import { campaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import { TREE } from "./host.ts";
import { faultKinds } from "./nemesis.ts";
import type { StoreName } from "./store.ts";
import { report } from "./report.ts";
import { wanting } from "./thinness.ts";

const HELP = `Usage: npm run chaos -- [options]

  --store redis|sqlite   the store under test (redis)
  --minutes N, --seconds N   how long faults are injected (60 seconds); healing and the final retries come on top
  --seed TEXT            what a run printed: the same decisions again
  --faults a,b           only these kinds; "none" for a run without any
  --clients N            clients at a time (24)
  --gateways N           gateway processes (2)`;

/** A run of ten minutes must have met everything there is. */
const LONG_S = 600;

const { values } = parseArgs({
  options: {
    store: { type: "string", default: "redis" },
    minutes: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string" },
    faults: { type: "string" },
    clients: { type: "string", default: "24" },
    gateways: { type: "string", default: "2" },
    help: { type: "boolean", default: false },
  },
});

if (values.help || !["redis", "sqlite"].includes(values.store)) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}
const storeName = values.store as StoreName;
const seconds = values.minutes === undefined ? Number(values.seconds ?? 60) : 60 * Number(values.minutes);
const { usual, needsContinuity } = faultKinds(storeName);
const plan: Campaign = {
  storeName,
  seed: values.seed ?? String(randomInt(2 ** 32)),
  seconds,
  clients: Number(values.clients),
  gateways: Number(values.gateways),
  kinds: values.faults === undefined ? usual : values.faults.split(",").filter((kind) => kind !== "none"),
  mischief: { upstream: values.faults === undefined, leaving: values.faults !== "none" },
  folder: mkdtempSync(join(tmpdir(), "oncegate-chaos-")),
  tree: TREE,
};
const stray = plan.kinds.filter((kind) => ![...usual, ...needsContinuity].includes(kind));
if (stray.length > 0) {
  console.log(
    `no such faults with ${storeName}: ${stray.join(", ")}\nthere are: ${[...usual, ...needsContinuity].join(", ")}`,
  );
  process.exit(2);
}
console.log(`seed ${plan.seed}, ${storeName}, ${seconds} s; history and ledger in ${plan.folder}`);
const { history, ledger, violations } = await campaign(plan);
console.log(report(history, ledger, violations));
const thin = seconds < LONG_S ? [] : wanting(history, ledger, plan.kinds);
if (thin.length > 0) console.log(`TOO THIN to show anything:\n  ${thin.join("\n  ")}`);
console.log(`seed ${plan.seed}`);
process.exit(violations.length + thin.length === 0 ? 0 : 1);
