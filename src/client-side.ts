import { randomBytes } from "node:crypto";
import { Duplicates } from "./admission/duplicates.ts";
import { DocumentQueue } from "./admission/document-queue.ts";
import { Circuits } from "./admission/circuits.ts";
import type { Budget } from "./budget.ts";
import type { LoadedRules } from "./config/rules.ts";
import type { Settings } from "./config/settings.ts";
import type { Core } from "./core.ts";
import { pathToLog } from "./domain/rule.ts";
import type { Rule } from "./domain/rule.ts";
import { createClientPort } from "./inbound/app.ts";
import { trustedProxies } from "./inbound/forwarding.ts";
import { createGuard } from "./inbound/guard.ts";
import type { ConnectionLimits } from "./inbound/limits.ts";
import { listening } from "./listening.ts";
import type { Gate } from "./pipeline.ts";
import { Prober } from "./prober.ts";
import { Owner } from "./store/owner.ts";
import { logAlarm, logLateEnd, logLateFailure, logRequest } from "./telemetry/log.ts";
import type { VerifyToken } from "./tokens.ts";
import { openUpstream } from "./upstream/execute.ts";
import { openPassThrough } from "./upstream/pass-through.ts";
import { isFailure } from "./upstream/try.ts";
import type { Execution } from "./upstream/try.ts";

/** A pause in an upload longer than this is no honest client's. */
const BODY_IDLE_MS = 30_000;

export type ClientSide = {
  /** Where clients connect, with the port that was taken. */
  url: string;
  useRules(loaded: LoadedRules): void;
  /** From now on every reply closes its connection. */
  drain(signal: NodeJS.Signals): void;
  /** Takes no more connections; resolves when every request is answered, every operation settled and acknowledged. */
  finish(): Promise<void>;
  /** Gives up on what still runs: unsent operations are released, the rest becomes unknown. Resolves when that is stored. */
  abandon(): Promise<void>;
  close(): Promise<void>;
};

export type ClientSideSettings = {
  settings: Settings;
  rules: readonly Rule[];
  verifyToken: VerifyToken | undefined;
  budget: Budget;
  ca: string | undefined;
  limits: ConnectionLimits;
};

/** What serves clients. Rejects where the port cannot be had. */
export async function openClientSide(
  { log, metrics, records, turns, originals, keyring, nameSecret }: Core,
  { settings, rules: firstRules, verifyToken, budget, ca, limits }: ClientSideSettings,
): Promise<ClientSide> {
  const pseudonym = `oncegate-${randomBytes(4).toString("hex")}`; // two gateways in a row are no loop
  const underRules = (rules: readonly Rule[]) => {
    metrics.rulesInForce(rules);
    return { rules, guard: createGuard({ rules, pseudonym }) };
  };
  let inForce = underRules(firstRules);
  const owner = new Owner({
    records,
    keyring,
    leaseMs: settings.ONCEGATE_LEASE,
    unknownRetentionMs: settings.ONCEGATE_UNKNOWN_RETENTION,
    onAlarm: (alarm) => logAlarm(log, alarm),
  });
  const queue = new DocumentQueue({ turns, records, leaseMs: settings.ONCEGATE_LEASE });
  const duplicates = new Duplicates({
    originals,
    records,
    unknownRetentionMs: settings.ONCEGATE_UNKNOWN_RETENTION,
    open: (name, record) => owner.open(name, record),
  });
  const address = { url: settings.ONCEGATE_UPSTREAM_URL, ca, connectTimeoutMs: settings.ONCEGATE_CONNECT_TIMEOUT };
  const upstream = openUpstream({
    ...address,
    timeoutMs: settings.ONCEGATE_UPSTREAM_TIMEOUT,
    keepBytes: settings.ONCEGATE_MAX_STORED_RESPONSE,
  });
  const passThrough = openPassThrough({
    ...address,
    preserveHost: settings.ONCEGATE_PRESERVE_HOST,
    timeoutMs: settings.ONCEGATE_UPSTREAM_TIMEOUT,
  });
  const gate: Gate = {
    rules: () => inForce.rules,
    isPublishing: settings.ONCEGATE_PUBLISH,
    verifyToken,
    naming: () => nameSecret.naming(),
    owner,
    queue,
    circuits: new Circuits<Execution>(isFailure, {
      kind: "never-sent",
      reason: "circuit-open",
      why: "the circuit is open",
    }),
    duplicates,
    upstream,
    prober: new Prober({ upstream, records, keyring }),
    clientWaitMs: settings.ONCEGATE_CLIENT_WAIT,
    onLateEnd: (request, reply) => {
      metrics.operationEnded(request.facts);
      logLateEnd(log, request, reply);
    },
    onLateFailure: (request, error) => logLateFailure(log, request, error),
  };
  let isDraining = false;
  const port = createClientPort({
    guard: (head) => inForce.guard(head),
    gate,
    passThrough,
    limits,
    bodyLimits: {
      maxBytes: settings.ONCEGATE_MAX_REQUEST_BODY,
      withinMs: settings.ONCEGATE_CLIENT_WAIT,
      idleMs: BODY_IDLE_MS,
    },
    budget,
    forwarder: { pseudonym, isTrusted: trustedProxies(settings.ONCEGATE_TRUSTED_PROXIES ?? []) },
    preserveHost: settings.ONCEGATE_PRESERVE_HOST,
    isDraining: () => isDraining,
    onStart: metrics.requestStarted,
    onEnd: (end) => {
      metrics.requestEnded(end);
      logRequest(log, { ...end, path: pathToLog(inForce.rules, end.path) });
    },
  });

  /** In this order: a request can still begin an operation, an operation no request. One may have come meanwhile, its head begun before. */
  const ended = async (): Promise<void> => {
    do {
      await port.quiet();
      await owner.idle();
      await queue.idle();
    } while (port.isServing());
  };

  return {
    url: await listening(port.server, "ONCEGATE_LISTEN", settings.ONCEGATE_LISTEN),
    useRules(loaded) {
      metrics.rulesRefused(loaded.kind === "refused");
      if (loaded.kind === "rules") inForce = underRules(loaded.rules);
    },
    drain() {
      isDraining = true;
    },
    async finish() {
      port.server.close();
      await ended();
    },
    async abandon() {
      upstream.abandon();
      await ended();
    },
    async close() {
      port.server.close();
      port.server.closeAllConnections();
      passThrough.close();
      await upstream.close();
    },
  };
}
