import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { reasonOf } from "../reason.ts";
import { FAILED, TOLD_WRONG } from "../surroundings.ts";
import type { Surroundings } from "../surroundings.ts";
import { startBackend } from "./backend.ts";
import type { Backend } from "./backend.ts";
import { Clients } from "./clients.ts";
import type { Intent } from "./clients.ts";
import { Gateway } from "./gateway.ts";
import { Tally } from "./tally.ts";

const HELP = `Usage: oncegate prove [--seconds N] [--intents N]

Starts an invoicing API of its own and two gateways in front of it, on the store that ONCEGATE_STORE names (or a file of its
own), kills gateways while clients send and retry, and counts. The exit code is 0 if every intent became one invoice.
  --seconds N   how long gateways are killed (30); what nobody can tell takes half a minute more to be looked at twice
  --intents N   how many invoices are wanted (1000)

It may run on a store that is in use: its keys are in a scope of their own, and its records are gone after two hours.`;

const OPTIONS = {
  seconds: { type: "string", default: "30" },
  intents: { type: "string", default: "1000" },
} as const;

const CLIENTS = 8;
const GATEWAYS = 2;
/** Between two kills: a gateway that was killed is ready again, most of the time. */
const KILL_EVERY_MS = [500, 2_500] as const;

/** What the gateways are given of the user's settings: how their store is reached and what is written there. */
const OF_THE_STORE =
  /^(PATH|HOME|NODE_EXTRA_CA_CERTS|REDIS_URL|ONCEGATE_(STORE|STORE_ID|REDIS_\w+|ALLOW_UNSAFE_STORE|ENCRYPTION_KEYS|NAME_SECRET)(_FILE)?)$/;

/** `oncegate prove`: resolves to the exit code. */
export async function prove(around: Surroundings): Promise<number> {
  const asked = optionsIn(around.args);
  if (asked === undefined) {
    around.complain(HELP);
    return TOLD_WRONG;
  }
  if (asked === "help") {
    around.print(HELP);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "oncegate-prove-"));
  const backend = await startBackend();
  const gateways = Array.from(
    { length: GATEWAYS },
    () => new Gateway(around.program, settings(around.env, folder, backend.url)),
  );
  try {
    const running = run(asked, { around, gateways, backend });
    const interrupted = around.nextSignal().then((signal) => {
      throw new Error(`ended by ${signal}`);
    });
    return await Promise.race([running, interrupted]);
  } catch (error) {
    around.complain(`oncegate prove: ${reasonOf(error)}`);
    return FAILED;
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.end()));
    backend.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Asked = { seconds: number; intents: number };

async function run(
  { seconds, intents: count }: Asked,
  { around, gateways, backend }: { around: Surroundings; gateways: Gateway[]; backend: Backend },
): Promise<number> {
  await gateways[0]!.start(); // alone: it may have to make the store
  await Promise.all(gateways.slice(1).map((gateway) => gateway.start()));
  around.print(
    `${gateways.length} gateways are up; killing them for ${seconds} s, while ${CLIENTS} clients send and retry.`,
  );

  const name = randomBytes(6).toString("hex");
  const tally = new Tally();
  const clients = new Clients(gateways, backend, tally, `prove-${name}`);
  const intents = Array.from({ length: count }, (_, i): Intent => ({ number: `prove-${name}-${i + 1}` }));
  const until = performance.now() + 1_000 * seconds;
  const killing = killUntil(until, gateways);
  const setAside: Intent[] = [];
  const paceMs = (1_000 * seconds * CLIENTS) / count;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let i = client; i < count; i += CLIENTS) {
        // Spread over the whole time, but never behind it.
        const left = until - performance.now();
        if (left > 0) await sleep(Math.min(left, paceMs * Math.random()));
        if ((await clients.carryOut(intents[i]!)) === "set-aside") setAside.push(intents[i]!);
      }
    }),
  );
  const kills = await killing;
  if (setAside.length > 0)
    around.print(`Of ${setAside.length} nobody can tell, and the API has nothing: it is looked at twice.`);
  await clients.settle(setAside);
  await clients.askAgain(intents);
  const { summary, isProved } = tally.verdict(
    intents.map(({ number }) => number),
    backend,
  );
  around.print(`${summary}\n${kills} kills of gateways`);
  return isProved ? 0 : FAILED;
}

/** One after the other, each started again at once. Resolves to how many kills there were, when all are up. */
async function killUntil(until: number, gateways: readonly Gateway[]): Promise<number> {
  const [from, to] = KILL_EVERY_MS;
  for (let kills = 0; ; kills++) {
    await sleep(from + (to - from) * Math.random());
    if (performance.now() > until) return kills;
    const killed = gateways[kills % gateways.length]!;
    await killed.kill();
    await killed.start();
  }
}

/** Limits that suit an API which answers at once, so that it takes a minute what otherwise takes an hour. */
function settings(env: Surroundings["env"], folder: string, upstream: string): Record<string, string | undefined> {
  const isGiven = [env["ONCEGATE_STORE"], env["ONCEGATE_STORE_FILE"], env["REDIS_URL"]].some(Boolean);
  const store = isGiven
    ? Object.fromEntries(Object.entries(env).filter(([name]) => OF_THE_STORE.test(name)))
    : { PATH: env["PATH"], ONCEGATE_STORE: `sqlite:${join(folder, "oncegate.db")}` };
  return {
    ...store,
    ONCEGATE_UPSTREAM_URL: upstream,
    ONCEGATE_LISTEN: "127.0.0.1:0",
    ONCEGATE_ADMIN_LISTEN: "127.0.0.1:0",
    ONCEGATE_LEASE: "1s",
    ONCEGATE_UPSTREAM_TIMEOUT: "2s",
    ONCEGATE_RETENTION: "1h",
    ONCEGATE_UNKNOWN_RETENTION: "2h",
  };
}

function optionsIn(args: readonly string[]): Asked | "help" | undefined {
  if (["--help", "-h", "help"].includes(args[1] ?? "")) return "help";
  try {
    const { values } = parseArgs({ args: args.slice(1), options: OPTIONS });
    const [seconds, intents] = [Number(values.seconds), Number(values.intents)];
    const isMeant = [seconds, intents].every((number) => Number.isInteger(number) && number > 0 && number <= 100_000);
    return isMeant ? { seconds, intents } : undefined;
  } catch {
    return undefined;
  }
}
