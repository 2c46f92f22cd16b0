import type { Settings } from "./config/settings.ts";
import { Keyring } from "./store/keyring.ts";
import { Loss } from "./store/loss.ts";
import { NameSecret } from "./store/name-secret.ts";
import type { Originals } from "./store/originals.ts";
import type { Records, Store } from "./store/records.ts";
import type { Turns } from "./store/turns.ts";
import { logStanding, watchStore } from "./telemetry/log.ts";
import type { Log } from "./telemetry/log.ts";
import { timed, timedOriginals, timedTurns } from "./telemetry/timed.ts";
import type { Answered } from "./telemetry/timed.ts";
import type { Metrics } from "./telemetry/metrics.ts";

/** What both ports work with: the store as this process sees it. */
export type Core = {
  store: Store;
  log: Log;
  metrics: Metrics;
  /** Timed, and watched for the log. */
  records: Records;
  turns: Turns;
  originals: Originals;
  keyring: Keyring;
  nameSecret: NameSecret;
  loss: Loss;
  /** Throws StoreError where the store cannot be used for operations, and says why. */
  probe(): Promise<void>;
};

export function openCore(settings: Settings, { store, log, metrics }: Pick<Core, "store" | "log" | "metrics">): Core {
  const heard = watchStore(log);
  const storeAnswered: Answered = (verb, trouble, seconds) => {
    heard(trouble);
    metrics.storeAnswered(verb, trouble === undefined, seconds);
  };
  const records = timed(store.records, storeAnswered);
  const turns = timedTurns(store.turns, storeAnswered);
  const originals = timedOriginals(store.originals, storeAnswered);
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
  const probe = async (): Promise<void> => {
    await store.probe();
    await nameSecret.naming();
  };
  return { store, log, metrics, records, turns, originals, keyring, nameSecret, loss, probe };
}
