import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { createAdmin } from "./admin/admin.ts";
import { Budget } from "./budget.ts";
import type { LoadedRules } from "./config/rules.ts";
import type { Settings } from "./config/settings.ts";
import { hashOfKey } from "./domain/key.ts";
import { pathToLog } from "./domain/rule.ts";
import type { Rule } from "./domain/rule.ts";
import { createClientPort } from "./inbound/app.ts";
import { trustedProxies } from "./inbound/forwarding.ts";
import { createGuard } from "./inbound/guard.ts";
import { CONNECTION_LIMITS } from "./inbound/limits.ts";
import type { ConnectionLimits } from "./inbound/limits.ts";
import { listening } from "./listening.ts";
import type { Gate } from "./pipeline.ts";
import { Keyring } from "./store/keyring.ts";
import { Loss } from "./store/loss.ts";
import { NameSecret } from "./store/name-secret.ts";
import { Operator } from "./store/operator.ts";
import { Owner } from "./store/owner.ts";
import { StoreError } from "./store/records.ts";
import type { Store } from "./store/records.ts";
import { logAlarm, logLateEnd, logLateFailure, logRequest, logStanding, watchStore } from "./telemetry/log.ts";
import { openMetrics, timed } from "./telemetry/metrics.ts";
import type { VerifyToken } from "./tokens.ts";
import { openUpstream } from "./upstream/execute.ts";
import { openPassThrough } from "./upstream/pass-through.ts";

/** A pause in an upload longer than this is no honest client's. */
const BODY_IDLE_MS = 30_000;

/** What an API may still do on a request whose connection is gone. */
const LINGERS_MS = 30_000;

export type Gateway = {
  /** Where clients connect and where the operator does, with the ports that were taken. */
  listeners: { clients: string; admin: string };
  /** What of the store is encrypted and with which keys, in words. */
  encryption: string;
  /** As far as it is known. */
  storeId(): string | undefined;
  /** Throws StoreError where the store cannot be used for operations, and says why. */
  probe(): Promise<void>;
  /** For every request from now on; an operation that runs keeps the rule that it began with. What was refused changes nothing. */
  useRules(loaded: LoadedRules): void;
  /** From now on readiness says no and every reply closes its connection. */
  drain(): void;
  /** Takes no more connections; resolves when every request is answered, every operation settled and acknowledged. */
  finish(): Promise<void>;
  /** Gives up on what still runs: unsent operations are released, the rest becomes unknown. Resolves when that is stored. */
  abandon(): Promise<void>;
  /** The store last. */
  close(): Promise<void>;
};

export type Foundations = {
  rules: readonly Rule[];
  verifyToken?: VerifyToken | undefined;
  store: Store;
  log: Logger;
  ca: string | undefined;
  version: string;
  /** Shorter ones in tests. */
  limits?: ConnectionLimits;
};

/** Builds everything from the settings and listens. Rejects where a port cannot be had. */
export async function startGateway(
  settings: Settings,
  { rules: firstRules, verifyToken, store, log, ca, version, limits = CONNECTION_LIMITS }: Foundations,
): Promise<Gateway> {
  const pseudonym = `oncegate-${randomBytes(4).toString("hex")}`; // two gateways in a row are no loop
  const underRules = (rules: readonly Rule[]) => ({ rules, guard: createGuard({ rules, pseudonym }) });
  let inForce = underRules(firstRules);
  const budget = new Budget(settings.ONCEGATE_MAX_BUFFERED);
  const metrics = openMetrics({ countUnknown: () => store.records.countUnknown(), bufferedBytes: () => budget.held });
  const heard = watchStore(log);
  const records = timed(store.records, (verb, trouble, seconds) => {
    heard(trouble);
    metrics.storeAnswered(verb, trouble === undefined, seconds);
  });
  const keyring = new Keyring(settings.ONCEGATE_ENCRYPTION_KEYS);
  const nameSecret = new NameSecret(store, keyring, settings.ONCEGATE_NAME_SECRET);
  const loss = new Loss({
    continuity: store.continuity,
    nameSecret,
    acceptAs: settings.ONCEGATE_ON_STORE_LOSS === "continue" ? "ONCEGATE_ON_STORE_LOSS" : undefined,
    onChange: (standing, before) => {
      metrics.storeStands(standing.kind === "lost" || standing.kind === "foreign");
      logStanding(log, standing, before);
    },
  });
  const owner = new Owner({
    records,
    keyring,
    leaseMs: settings.ONCEGATE_LEASE,
    unknownRetentionMs: settings.ONCEGATE_UNKNOWN_RETENTION,
    onAlarm: (alarm) => logAlarm(log, alarm),
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
    verifyToken,
    naming: () => nameSecret.naming(),
    owner,
    upstream,
    clientWaitMs: settings.ONCEGATE_CLIENT_WAIT,
    onLateEnd: (request, reply) => {
      metrics.operationEnded(request.facts);
      logLateEnd(log, request, reply);
    },
    onLateFailure: (request, error) => logLateFailure(log, request, error),
  };

  let isDraining = false;
  const clientPort = createClientPort({
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
  const probe = async (): Promise<void> => {
    await store.probe();
    await nameSecret.naming();
  };
  const operator = new Operator({
    records,
    keyring,
    journal: store.journal,
    retentionMs: settings.ONCEGATE_RETENTION,
    quarantineMs: settings.ONCEGATE_LEASE + settings.ONCEGATE_UPSTREAM_TIMEOUT + LINGERS_MS,
  });
  const admin = createAdmin({
    version,
    metrics,
    probeStore: probe,
    isDraining: () => isDraining,
    operator,
    loss,
    keyHashOfClientKey: async (key) => {
      const naming = await nameSecret.naming();
      if (naming === "store_lost") throw new StoreError("unsent", "the store lost the secret of names");
      return hashOfKey(naming.secret, key);
    },
    token: settings.ONCEGATE_ADMIN_TOKEN,
  });
  const listeners = {
    clients: await listening(clientPort.server, "ONCEGATE_LISTEN", settings.ONCEGATE_LISTEN),
    admin: await listening(admin, "ONCEGATE_ADMIN_LISTEN", settings.ONCEGATE_ADMIN_LISTEN),
  };

  /** In this order: a request can still begin an operation, an operation no request. One may have come meanwhile, its head begun before. */
  const ended = async (): Promise<void> => {
    do {
      await clientPort.quiet();
      await owner.idle();
    } while (clientPort.isServing());
  };

  return {
    listeners,
    encryption: keyring.description,
    storeId: () => loss.standing.id,
    probe,
    useRules(loaded) {
      metrics.rulesRefused(loaded.kind === "refused");
      if (loaded.kind === "rules") inForce = underRules(loaded.rules);
    },
    drain() {
      isDraining = true;
    },
    async finish() {
      clientPort.server.close();
      await ended();
    },
    async abandon() {
      upstream.abandon();
      await ended();
    },
    async close() {
      for (const server of [clientPort.server, admin]) {
        server.close();
        server.closeAllConnections();
      }
      passThrough.close();
      await upstream.close();
      await store.close();
    },
  };
}
