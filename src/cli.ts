import type { Logger } from "pino";
import { loadSettings } from "./config/load.ts";
import type { Origin } from "./config/load.ts";
import type { Settings } from "./config/settings.ts";
import { within } from "./patience.ts";
import { openStore } from "./store/open.ts";
import { StoreError } from "./store/records.ts";
import type { Store } from "./store/records.ts";
import { openLog } from "./telemetry/log.ts";
import { startGateway } from "./wiring.ts";
import type { Gateway } from "./wiring.ts";

/** What a program is given by its surroundings; main.ts fills it from the process. */
export type Surroundings = {
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  readFile: (path: string) => string;
  print: (text: string) => void;
  complain: (text: string) => void;
  /** Resolves at the next SIGTERM or SIGINT. */
  nextSignal: () => Promise<"SIGTERM" | "SIGINT">;
};

/** Exit codes: 1 it failed, 2 it was told something wrong. */
const FAILED = 1;
const TOLD_WRONG = 2;

const HELP = `Usage: oncegate [command]

  (none), serve    run the gateway; settings come from the environment (docs/settings.md)
  health           exit code 0 if the gateway on this machine is alive; with --ready, if it can execute operations
  version          print the version
  help             print this`;

/** Runs one sub-command to its end; resolves to the exit code. */
export async function run(around: Surroundings): Promise<number> {
  const [command = "serve", ...rest] = around.args;
  switch (command) {
    case "serve":
      return serve(around);
    case "health":
      return health(around, rest.includes("--ready") ? "/ready" : "/live");
    case "version":
    case "--version":
      around.print(around.version);
      return 0;
    case "help":
    case "--help":
      around.print(HELP);
      return 0;
    default:
      around.complain(`oncegate: there is no command "${command}".\n\n${HELP}`);
      return TOLD_WRONG;
  }
}

/** For HEALTHCHECK: asks the gateway of the same settings, from beside it. */
async function health({ env, readFile, print, complain }: Surroundings, page: "/live" | "/ready"): Promise<number> {
  const loaded = loadSettings(env, readFile);
  if (loaded.kind === "refused") {
    complain(loaded.message);
    return TOLD_WRONG;
  }
  const { host, port } = loaded.settings.ONCEGATE_ADMIN_LISTEN;
  const near = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  try {
    const url = `http://${near.includes(":") ? `[${near}]` : near}:${port}${page}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) });
    print(await answer.text());
    return answer.ok ? 0 : FAILED;
  } catch (error) {
    complain(`oncegate: no answer on port ${port}: ${reasonOf(error)}`);
    return FAILED;
  }
}

async function serve(around: Surroundings): Promise<number> {
  const loaded = loadSettings(around.env, around.readFile);
  if (loaded.kind === "refused") {
    around.complain(loaded.message);
    return TOLD_WRONG;
  }
  const { settings, origins } = loaded;
  const { log, flush } = openLog(settings.ONCEGATE_LOG_LEVEL);
  let store: Store | undefined;
  try {
    const firstSignal = around.nextSignal(); // obeyed from before the ports are open
    const caFile = settings.ONCEGATE_UPSTREAM_CA_FILE;
    const ca = caFile === undefined ? undefined : around.readFile(caFile);
    store = await openStore(settings.ONCEGATE_STORE, { mayEvict: settings.ONCEGATE_ALLOW_UNSAFE_STORE });
    const gateway = await startGateway(settings, { store, log, ca, version: around.version });
    const started = sayStarted(log, { gateway, store, settings, origins, version: around.version });
    await Promise.race([started, firstSignal]);
    await stopOnSignal(gateway, settings, log, await firstSignal, around.nextSignal());
    return 0;
  } catch (error) {
    around.complain(`oncegate cannot start: ${reasonOf(error)}`);
    await store?.close();
    return FAILED;
  } finally {
    flush();
  }
}

/** A Redis that is there answers within this; the gateway serves meanwhile. */
const DESCRIBE_WITHIN_MS = 3_000;

/** The start log: version, store, durability, listeners, and where each setting came from. */
async function sayStarted(
  log: Logger,
  {
    gateway,
    store,
    settings,
    origins,
    version,
  }: { gateway: Gateway; store: Store; settings: Settings; origins: Origin[]; version: string },
): Promise<void> {
  const described = describe(store);
  const kept = (await within(DESCRIBE_WITHIN_MS, described)) ?? { store: "out of reach", durability: "unknown" };
  const upstream = settings.ONCEGATE_UPSTREAM_URL.href;
  const values = origins.map(({ name, value, from }) => `${name}=${value} (${from})`);
  log.info({ version, ...kept, upstream, ...gateway.listeners, settings: values }, "oncegate started");
  if (kept.store === "out of reach") {
    const why = await store.probe().then(() => undefined, reasonOf);
    if (why !== undefined) log.error({ why }, "the store is out of reach: operations are refused until it answers");
    void described.then(
      (late) => log.info(late, "the store answers"),
      (err: unknown) => log.error({ err }, "the store cannot be described"),
    );
  }
  if (settings.ONCEGATE_SCOPE === "auto")
    log.warn(
      "requests without any credential share one scope: set ONCEGATE_SCOPE if the API has such requests from several customers",
    );
}

/** Asks until the store answers. */
async function describe(store: Store): Promise<{ store: string; durability: string }> {
  for (;;) {
    const described = await store.describe().catch((error: unknown) => {
      if (error instanceof StoreError) return undefined;
      throw error;
    });
    if (described !== undefined) return described;
    await new Promise((resolve) => {
      setTimeout(resolve, 100).unref();
    });
  }
}

/** After SIGTERM load balancers still send for a moment: what they send is served. Nobody balances to a program in a terminal. */
const ACCEPT_AFTER_MS = { SIGTERM: 5_000, SIGINT: 0 };
/** For storing that what was abandoned is unknown; after that its lease says so. */
const LAST_WORDS_MS = 5_000;

/** Resolves when the gateway has stopped: everything answered and stored, or the grace is over, or a second signal came. */
async function stopOnSignal(
  gateway: Gateway,
  { ONCEGATE_SHUTDOWN_GRACE: graceMs }: Settings,
  log: Logger,
  signal: "SIGTERM" | "SIGINT",
  nextSignal: Promise<unknown>,
): Promise<void> {
  const second = nextSignal.then(() => "again" as const);
  gateway.drain();
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

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
