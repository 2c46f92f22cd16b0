import { Budget } from "./budget.ts";
import { openClientSide } from "./client-side.ts";
import type { LoadedRules, RulesFiles } from "./config/rules.ts";
import type { Settings } from "./config/settings.ts";
import { openCore } from "./core.ts";
import type { Rule } from "./domain/rule.ts";
import { CONNECTION_LIMITS } from "./inbound/limits.ts";
import type { ConnectionLimits } from "./inbound/limits.ts";
import { openOperatorSide } from "./operator-side.ts";
import type { Store } from "./store/records.ts";
import type { Log } from "./telemetry/log.ts";
import { openMetrics } from "./telemetry/metrics.ts";
import { metricsOfAll, shareMetrics } from "./telemetry/worker-metrics.ts";
import type { VerifyToken } from "./tokens.ts";
import { startWorkers } from "./workers.ts";

/** A process serves both ports alone; or it is the primary, which has the operator's port, and its workers share the clients'. */
export type Role = "alone" | "primary" | "worker";

export type Gateway = {
  /** Where clients connect and where the operator does, with the ports that were taken. */
  listeners: { clients: string; admin?: string };
  /** What of the store is encrypted and with which keys, in words. */
  encryption: string;
  /** As far as it is known. */
  storeId(): string | undefined;
  /** Throws StoreError where the store cannot be used for operations, and says why. */
  probe(): Promise<void>;
  /** For every request from now on; an operation that runs keeps the rule that it began with. What was refused changes nothing. */
  useRules(loaded: LoadedRules): void;
  /** From now on readiness says no and every reply closes its connection. */
  drain(signal: NodeJS.Signals): void;
  /** Takes no more connections; resolves when every request is answered, every operation settled and acknowledged. */
  finish(): Promise<void>;
  /** Gives up on what still runs: unsent operations are released, the rest becomes unknown. Resolves when that is stored. */
  abandon(): Promise<void>;
  /** The store last. */
  close(): Promise<void>;
};

export type Foundations = {
  rules: readonly Rule[];
  /** What they were read from, for workers. */
  rulesFiles?: RulesFiles;
  verifyToken: VerifyToken | undefined;
  store: Store;
  log: Log;
  ca: string | undefined;
  version: string;
  role?: Role;
  /** Shorter ones in tests. */
  limits?: ConnectionLimits;
};

/** Builds everything from the settings and listens. Rejects where a port cannot be had, or a worker does not start. */
export async function startGateway(
  settings: Settings,
  {
    rules,
    rulesFiles = {},
    verifyToken,
    store,
    log,
    ca,
    version,
    role = "alone",
    limits = CONNECTION_LIMITS,
  }: Foundations,
): Promise<Gateway> {
  const budget = new Budget(settings.ONCEGATE_MAX_BUFFERED);
  const metrics = openMetrics({ countUnknown: () => store.records.countUnknown(), bufferedBytes: () => budget.held });
  if (role === "worker") shareMetrics(metrics);
  const core = openCore(settings, { store, log, metrics });
  let isDraining = false;
  const operator =
    role === "worker"
      ? undefined
      : await openOperatorSide(core, settings, {
          version,
          metrics: role === "primary" ? metricsOfAll(metrics) : metrics,
          isDraining: () => isDraining,
        });
  const clients =
    role === "primary"
      ? await startWorkers(settings.ONCEGATE_WORKERS, rulesFiles, log)
      : await openClientSide(core, { settings, rules, verifyToken, budget, ca, limits });

  return {
    listeners: { clients: clients.url, ...(operator === undefined ? {} : { admin: operator.url }) },
    encryption: core.keyring.description,
    storeId: () => core.loss.standing.id,
    probe: () => core.probe(),
    useRules: (loaded) => clients.useRules(loaded),
    drain(signal) {
      isDraining = true;
      clients.drain(signal);
    },
    finish: () => clients.finish(),
    abandon: () => clients.abandon(),
    async close() {
      operator?.close();
      await clients.close();
      await store.close();
    },
  };
}
