import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { banner } from "./banner.ts";
import { startChild, stopChild, type Child } from "./child.ts";
import { freePorts } from "./ports.ts";
import { DemoFailure, ended, untilReady } from "./ready.ts";

const SAMPLE_MAIN = fileURLToPath(new URL("../invoice-api/main.ts", import.meta.url));
// A slow shared machine starts Node in some seconds; far beyond that something is wrong.
const READY_LIMIT_MS = 60_000;
// The gateway goes on accepting for 5 s after SIGTERM, and then finishes what runs.
const STOP_PATIENCE_MS = 10_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs the sample API and the gateway until a signal comes. Gives the exit code; neither child outlives it. */
export async function runDemo(gatewayMain: string): Promise<0 | 1> {
  const folder = mkdtempSync(join(tmpdir(), "oncegate-demo-"));
  const children: Child[] = [];
  const interruption = new AbortController();
  const onSignal = () => {
    if (interruption.signal.aborted) for (const child of children) child.signal("SIGTERM");
    else interruption.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    await serve(gatewayMain, folder, children, interruption.signal);
    console.log("\nStopping: the gateway accepts for a few seconds more. Ctrl-C again to leave at once.");
    return 0;
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error;
    console.error(`\n${error.message}\n`);
    return 1;
  } finally {
    // From here on a signal means "at once", whatever brought us here.
    interruption.abort();
    // The gateway first: what still runs there needs the sample API to end well.
    for (const child of children.toReversed()) await stopChild(child, STOP_PATIENCE_MS);
    rmSync(folder, { recursive: true, force: true });
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

async function serve(gatewayMain: string, folder: string, children: Child[], interrupted: AbortSignal): Promise<void> {
  const [samplePort, port, adminPort] = await freePorts([3001, 8080, 9090]);
  const places = {
    sample: `http://127.0.0.1:${samplePort}`,
    gateway: `http://127.0.0.1:${port}`,
    admin: `http://127.0.0.1:${adminPort}`,
  };
  const sampleEnv = { PORT: String(samplePort), HOST: "127.0.0.1", INVOICE_DB: join(folder, "invoices.db") };
  const sample = startChild("sample API", SAMPLE_MAIN, { ...inherited(), ...sampleEnv }, folder);
  children.push(sample);
  const gatewayEnv = {
    ONCEGATE_UPSTREAM_URL: places.sample,
    ONCEGATE_LISTEN: `127.0.0.1:${port}`,
    ONCEGATE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
    ONCEGATE_STORE: `sqlite:${join(folder, "oncegate.db")}`,
  };
  const gateway = startChild("gateway", gatewayMain, { ...inherited(), ...gatewayEnv }, folder);
  children.push(gateway);
  console.log(`Starting the sample API (process ${sample.pid}) and the gateway (process ${gateway.pid}).`);
  console.log(`Logs and databases: ${folder} (removed at the end).`);
  await Promise.all([
    untilReady(sample, `${places.sample}/health`, READY_LIMIT_MS, interrupted),
    untilReady(gateway, `${places.admin}/ready`, READY_LIMIT_MS, interrupted),
  ]);
  if (interrupted.aborted) return;
  console.log(banner(places));
  await untilInterrupted(children, interrupted);
}

async function untilInterrupted(children: readonly Child[], interrupted: AbortSignal): Promise<void> {
  const signalled = new Promise<void>((resolve) => {
    interrupted.addEventListener("abort", () => resolve(), { once: true });
    if (interrupted.aborted) resolve();
  });
  const endings = children.map(async (child) => {
    throw ended(child, await child.ended);
  });
  await Promise.race([signalled, ...endings]);
}

/** This environment without what would configure the two programs: the demo is the same everywhere. */
function inherited(): NodeJS.ProcessEnv {
  const foreign = /^(ONCEGATE_.*|PORT|HOST|REDIS_URL|INVOICE_DB)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
