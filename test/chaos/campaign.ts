import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { check } from "./checker/check.ts";
import type { Violation } from "./checker/violation.ts";
import { Clients } from "./client.ts";
import { History } from "./history.ts";
import type { Entry } from "./history.ts";
import { SETTLED_WITHIN_MS, now } from "./limits.ts";
import { torment } from "./nemesis.ts";
import type { Mischief } from "./operation.ts";
import { openSite } from "./site.ts";
import type { Site } from "./site.ts";
import type { StoreName } from "./store.ts";
import { readLedger } from "./upstream/ledger.ts";
import type { LedgerLine } from "./upstream/ledger.ts";

export type Campaign = {
  storeName: StoreName;
  seed: string;
  /** How long operations are begun and faults injected. */
  seconds: number;
  clients: number;
  gateways: number;
  kinds: readonly string[];
  mischief: Mischief;
  /** For history, ledger and the store's files. */
  folder: string;
  /** Where the gateways run from. */
  tree: string;
};

export type Outcome = { history: Entry[]; ledger: LedgerLine[]; violations: Violation[] };

/** Idle connections of clients and to the upstream are closed by then (their keep-alive is a second). */
const IDLE_MS = 1_500;

/** One run: clients and nemesis side by side, then peace, then every key is retried to its end, then the verdict. */
export async function campaign(plan: Campaign): Promise<Outcome> {
  const { seed, seconds, clients: count, kinds, mischief, folder, storeName } = plan;
  const history = new History(join(folder, "history.ndjson"));
  history.add({ what: "run", seed, store: storeName, faults: [...kinds], at: now() });
  const site = await openSite({ ...plan, history });
  const clients = new Clients(history, site.doors);
  try {
    await noteCounts(site, history, "start");
    const until = now() + seconds * 1_000;
    const working = Array.from({ length: count }, (_, i) => clients.work(seed, i, mischief, until));
    await Promise.all([...working, torment(site, { seed, kinds, history, until })]);
    await Promise.all(site.posts.map(({ host }) => host.ready()));
    const healedAt = now();
    history.add({ what: "healed", at: healedAt });
    await clients.retryAll(healedAt + SETTLED_WITHIN_MS);
    clients.close();
    await sleep(IDLE_MS);
    await noteCounts(site, history, "end");
    const unknown = await site.posts[0]!.host.metric("oncegate_unknown_records");
    history.add({ what: "records", at: now(), records: await site.store.records(), unknown });
  } finally {
    clients.close();
    await site.close();
    await history.close();
  }
  const ledger = readLedger(site.upstream.ledger);
  return { history: history.entries, ledger, violations: check(history.entries, ledger) };
}

async function noteCounts({ posts }: Site, history: History, when: "start" | "end"): Promise<void> {
  for (const { host } of posts) {
    const counts = await host.counts();
    history.add({ what: "counts", gateway: host.name, when, at: now(), counts });
  }
}
