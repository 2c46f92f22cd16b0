import cluster from "node:cluster";
import { loadSettings } from "./config/load.ts";
import type { Origin } from "./config/load.ts";
import { mistakeText } from "./config/mistakes.ts";
import type { Mistake } from "./config/mistakes.ts";
import { contentOf } from "./config/files.ts";
import { rulesOf } from "./config/rules.ts";
import type { LoadedRules } from "./config/rules.ts";
import type { Settings } from "./config/settings.ts";
import { openStoreOf, openTokensOf } from "./foundations.ts";
import { within } from "./patience.ts";
import { StoreError } from "./store/records.ts";
import type { Store } from "./store/records.ts";
import { FAILED, TOLD_WRONG } from "./surroundings.ts";
import type { Signal, Surroundings } from "./surroundings.ts";
import { linesToStdout } from "./telemetry/lines.ts";
import { createLog } from "./telemetry/log.ts";
import type { Log } from "./telemetry/log.ts";
import { startGateway } from "./wiring.ts";
import type { Gateway, Role } from "./wiring.ts";
import { rulesFilesIn } from "./workers.ts";
import { reasonOf } from "./reason.ts";

/** Runs the gateway: start, drain, stop. Resolves to the exit code. */
export async function serve(around: Surroundings): Promise<number> {
  const loaded = loadSettings(around.env, around.readFile);
  if (loaded.kind === "refused") {
    around.complain(loaded.message);
    return TOLD_WRONG;
  }
  const { settings, origins } = loaded;
  const rules = await firstRules(settings, around);
  if (rules.kind === "refused") {
    around.complain(["oncegate cannot start:", ...rules.mistakes.map((one) => `  - ${mistakeText(one)}`)].join("\n"));
    return TOLD_WRONG;
  }
  const lines = linesToStdout();
  const log = createLog(settings.ONCEGATE_LOG_LEVEL, lines, cluster.worker?.id);
  const signal = around.nextSignal(); // obeyed from before the ports are open
  const second = signal.then(() => around.nextSignal());
  if (!cluster.isWorker) sayDoubts(log, rules.doubts);
  try {
    const started = await start(settings, rules, log, around);
    around.onHangup(() => reload(started.gateway, settings, log, around));
    await Promise.race([sayStarted(log, { ...started, settings, origins, version: around.version }), signal]);
    await stop(started.gateway, settings.ONCEGATE_SHUTDOWN_GRACE, log, await signal, second);
    return 0;
  } catch (error) {
    around.complain(`oncegate cannot ${error instanceof CannotStart ? "start" : "go on"}: ${reasonOf(error)}`);
    return FAILED;
  } finally {
    await lines.flush();
  }
}

/** A worker has those of its primary, though the file may have a mistake by now: it takes the place of one that served by them. */
async function firstRules(settings: Settings, around: Surroundings): Promise<LoadedRules> {
  if (around.handed === undefined) return rulesOf(settings, around);
  const files = rulesFilesIn(await around.handed);
  return rulesOf(settings, { readFile: (path) => files[path] ?? around.readFile(path) });
}

class CannotStart extends Error {}

async function start(
  settings: Settings,
  { rules, files: rulesFiles }: Extract<LoadedRules, { kind: "rules" }>,
  log: Log,
  around: Surroundings,
): Promise<{ gateway: Gateway; store: Store }> {
  let store: Store | undefined;
  try {
    const ca = contentOf("ONCEGATE_UPSTREAM_CA_FILE", settings, around.readFile);
    const verifyToken = openTokensOf(settings, around);
    const role = roleOf(settings);
    store = await openStoreOf(settings, around);
    const foundations = { rules, rulesFiles, verifyToken, store, log, ca, version: around.version, role };
    return { store, gateway: await startGateway(settings, foundations) };
  } catch (error) {
    await store?.close();
    throw new CannotStart(reasonOf(error), { cause: error });
  }
}

function roleOf({ ONCEGATE_WORKERS: workers }: Settings): Role {
  if (cluster.isWorker) return "worker";
  return workers > 1 ? "primary" : "alone";
}

/** On SIGHUP: the rules of the file as it is now, or with a mistake in it those that are in force. */
function reload(gateway: Gateway, settings: Settings, log: Log, around: Surroundings): void {
  const file = settings.ONCEGATE_RULES;
  const loaded = rulesOf(settings, around);
  gateway.useRules(loaded);
  if (loaded.kind === "refused")
    log.error({ mistakes: loaded.mistakes.map(mistakeText) }, "rules refused: those before them stay in force");
  else {
    log.info({ file, rules: loaded.rules.map(({ name }) => name) }, "rules loaded");
    if (!cluster.isWorker) sayDoubts(log, loaded.doubts);
  }
}

function sayDoubts(log: Log, doubts: readonly Mistake[]): void {
  for (const doubt of doubts) log.warn({ doubt: mistakeText(doubt) }, "a rule may show answers to others");
}

type Started = { gateway: Gateway; store: Store; settings: Settings; origins: Origin[]; version: string };

/** A Redis that is there answers within this; the gateway serves meanwhile. */
const DESCRIBE_WITHIN_MS = 3_000;
const DESCRIBE_AGAIN_MS = 100;

/** The start log: version, store, durability, listeners, and where each setting came from. */
async function sayStarted(log: Log, { gateway, store, settings, origins, version }: Started): Promise<void> {
  if (cluster.isWorker) {
    log.info({ version, pid: cluster.worker?.process.pid, ...gateway.listeners }, "worker started");
    return;
  }
  const describing = describe(store);
  const described = await within(DESCRIBE_WITHIN_MS, describing);
  const { risks, ...known } = described ?? { store: "out of reach", durability: "unknown", risks: [] };
  const upstream = settings.ONCEGATE_UPSTREAM_URL.href;
  const values = origins.map(({ name, value, from }) => `${name}=${value} (${from})`);
  const { listeners, encryption } = gateway;
  const why = await gateway.probe().then(() => undefined, reasonOf);
  const storeId = gateway.storeId();
  log.info({ version, ...known, storeId, encryption, upstream, ...listeners, settings: values }, "oncegate started");
  if (settings.ONCEGATE_MODE === "observe")
    log.warn("ONCEGATE_MODE=observe: nothing is stopped, a repeated request makes a second invoice");
  if (settings.ONCEGATE_SCOPE === "auto")
    log.warn(
      "requests without any credential share one scope: set ONCEGATE_SCOPE if the API has such requests from several customers",
    );
  sayRisks(log, risks);
  if (why !== undefined) log.error({ why }, "the store cannot be used: operations are refused until it can");
  if (described !== undefined) return;
  void describing.then(
    async (late) => {
      await gateway.probe().catch(() => {}); // looks at it
      const { store: where, durability } = late;
      log.info({ store: where, durability, storeId: gateway.storeId() }, "the store answers");
      sayRisks(log, late.risks);
    },
    (err: unknown) => log.error({ err }, "the store cannot be described"),
  );
}

function sayRisks(log: Log, risks: readonly string[]): void {
  for (const risk of risks) log.warn({ risk }, "the store is not as it should be");
}

/** Asks until the store answers. */
async function describe(store: Store): ReturnType<Store["describe"]> {
  for (;;) {
    const described = await store.describe().catch((error: unknown) => {
      if (error instanceof StoreError) return undefined;
      throw error;
    });
    if (described !== undefined) return described;
    await delay(DESCRIBE_AGAIN_MS);
  }
}

/** After SIGTERM load balancers still send for a moment: what they send is served. Nobody balances to a program in a terminal. */
const ACCEPT_AFTER_MS = { SIGTERM: 5_000, SIGINT: 0 };
/** For storing that what was abandoned is unknown; after that its lease says so. */
const LAST_WORDS_MS = 5_000;

/** Resolves when the gateway has stopped: everything answered and stored, or the grace is over, or a second signal came. */
async function stop(
  gateway: Gateway,
  graceMs: number,
  log: Log,
  signal: Signal,
  nextSignal: Promise<Signal>,
): Promise<void> {
  const second = nextSignal.then(() => "again" as const);
  gateway.drain(signal);
  log.info({ signal }, "stopping: not ready any more, running operations end first");
  const grace = delay(graceMs);
  if ((await Promise.race([delay(Math.min(ACCEPT_AFTER_MS[signal], graceMs)), second])) === "again") return;
  const ended = await Promise.race([gateway.finish().then(() => "finished" as const), grace, second]);
  if (ended === "again") return;
  if (ended === undefined) {
    log.warn("the grace is over: what still runs becomes unknown");
    await Promise.race([gateway.abandon(), delay(LAST_WORDS_MS), second]);
  }
  await Promise.race([gateway.close(), second]);
  log.info("stopped");
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
