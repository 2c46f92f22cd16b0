import { randomInt } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { campaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import { TREE } from "./host.ts";
import { breed, mutant, mutantNames } from "./mutant.ts";
import { faultKinds } from "./nemesis.ts";
import { report } from "./report.ts";
import type { StoreName } from "./store.ts";
import { wanting } from "./thinness.ts";

const HELP = `Usage: npm run chaos -- [options]

  --store redis|sqlite   the store under test (redis)
  --minutes N, --seconds N   how long faults are injected (60 seconds); healing and the final retries come on top
  --seed TEXT            what a run printed: the same decisions again
  --faults a,b           only these kinds; "none" for a run without any
  --clients N            clients at a time (24)
  --gateways N           gateway processes (2)
  --mutant NAME          break src as mutants/NAME.patch does; the exit code is 0 if the run finds it

Mutants: ${mutantNames().join(", ")}`;

/** A run of ten minutes must have met everything there is. */
const LONG_S = 600;

const { values } = parseArgs({
  options: {
    store: { type: "string", default: "redis" },
    minutes: { type: "string" },
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(randomInt(2 ** 32)) },
    faults: { type: "string" },
    clients: { type: "string", default: "24" },
    gateways: { type: "string", default: "2" },
    mutant: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (values.store !== "redis" && values.store !== "sqlite") refuse(`--store is redis or sqlite, not ${values.store}`);
process.exit(await run(values.store));

/** Resolves to the exit code. */
async function run(storeName: StoreName): Promise<number> {
  const broken = values.mutant === undefined ? undefined : mutantNamed(values.mutant, storeName);
  const known = faultKinds(storeName);
  const chosen = values.faults === undefined ? broken?.faults : values.faults.split(",");
  const kinds = (chosen ?? known).filter((kind) => kind !== "none");
  const stray = kinds.filter((kind) => !known.includes(kind) && broken === undefined);
  if (stray.length > 0) refuse(`no such faults: ${stray.join(", ")}. There are: ${known.join(", ")}`);

  const folder = mkdtempSync(join(tmpdir(), "oncegate-chaos-"));
  const seconds = values.minutes === undefined ? Number(values.seconds) : 60 * Number(values.minutes);
  const plan: Campaign = {
    storeName,
    seed: values.seed,
    seconds,
    clients: Number(values.clients),
    gateways: Number(values.gateways),
    kinds,
    mischief: {
      upstream: broken?.needsMischief ?? values.faults === undefined,
      leaving: values.faults !== "none",
    },
    folder,
    tree: broken === undefined ? TREE : breed(broken, folder),
  };
  console.log(`seed ${plan.seed}, ${storeName}, ${seconds} s; history and ledger in ${folder}`);
  const { history, ledger, violations } = await campaign(plan);
  console.log(report(history, ledger, violations));
  const thin = seconds < LONG_S || chosen !== undefined ? [] : wanting(history, ledger, kinds);
  if (thin.length > 0) console.log(`TOO THIN to show anything:\n  ${thin.join("\n  ")}`);
  console.log(`seed ${plan.seed}`);
  if (broken === undefined) return violations.length + thin.length === 0 ? 0 : 1;
  const isCaught = violations.some(({ kind }) => broken.expect.includes(kind));
  console.log(`${broken.name} ${isCaught ? "is caught" : "SURVIVED"}: expected ${broken.expect.join(" or ")}`);
  return isCaught ? 0 : 1;
}

function mutantNamed(name: string, storeName: StoreName): ReturnType<typeof mutant> {
  if (!mutantNames().includes(name)) refuse(`no such mutant: ${name}. There are: ${mutantNames().join(", ")}`);
  const found = mutant(name);
  if (found.store !== undefined && found.store !== storeName) refuse(`${name} needs --store ${found.store}`);
  return found;
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}
