import { decideClaim } from "../../src/domain/claim.ts";
import { asRead } from "../../src/domain/record.ts";
import type { Name, Now, StoredRecord } from "../../src/domain/record.ts";
import { begin, complete, hold, look, release, renew, resolve, revoke } from "../../src/domain/settlement.ts";
import type { Change } from "../../src/domain/settlement.ts";
import type { Records } from "../../src/store/records.ts";

export type Verbs = Omit<Records, "time" | "list" | "find" | "names">;

/** The domain's functions on a map: what a store is, without a store. */
export class DomainRecords implements Verbs {
  readonly #kept = new Map<Name, { record: StoredRecord; expires: number }>();
  readonly #now: () => Now;

  constructor(now: () => Now) {
    this.#now = now;
  }

  advance(ms: number): void {
    for (const kept of this.#kept.values()) {
      kept.expires -= ms;
      if ("firstLook" in kept.record) {
        const { at, gatewayAt } = kept.record.firstLook;
        kept.record = { ...kept.record, firstLook: { at: at - ms, gatewayAt: gatewayAt - ms } };
      }
      if ("leaseUntil" in kept.record) kept.record = { ...kept.record, leaseUntil: kept.record.leaseUntil - ms };
    }
  }

  claim: Verbs["claim"] = async (name, attempt) =>
    this.#change(name, decideClaim(this.#load(name), attempt, this.#now()), attempt.keepMs);
  begin: Verbs["begin"] = async (name, owner, leaseMs) =>
    this.#change(name, begin(this.#load(name), owner, leaseMs, this.#now()));
  renew: Verbs["renew"] = async (name, owner, leaseMs) =>
    this.#change(name, renew(this.#load(name), owner, leaseMs, this.#now()));
  complete: Verbs["complete"] = async (name, completion) =>
    this.#change(name, complete(this.#load(name), completion, this.#now()), completion.retentionMs);
  release: Verbs["release"] = async (name, owner) => ({
    answer: this.#change(name, release(this.#load(name), owner)),
    at: this.#now().lease,
  });
  hold: Verbs["hold"] = async (name, owner, reason) =>
    this.#change(name, hold(this.#load(name), owner, reason, this.#now()));
  revoke: Verbs["revoke"] = async (name, owner) => this.#change(name, revoke(this.#load(name), owner, this.#now()));
  look: Verbs["look"] = async (name, owner, gatewayAt) =>
    this.#change(name, look(this.#load(name), owner, gatewayAt, this.#now()));
  resolve: Verbs["resolve"] = async (name, resolution) =>
    this.#change(
      name,
      resolve(this.#load(name), resolution, this.#now()),
      resolution.verdict === "executed" ? resolution.retentionMs : undefined,
    );
  read: Verbs["read"] = async (name) => asRead(this.#load(name), this.#now());
  countUnknown: Verbs["countUnknown"] = async () =>
    [...this.#kept.keys()].filter((name) => asRead(this.#load(name), this.#now())?.state === "unknown").length;

  #load(name: Name): StoredRecord | undefined {
    const kept = this.#kept.get(name);
    const isOver = kept?.record.state === "completed" && Date.now() >= kept.expires;
    return isOver ? undefined : kept?.record;
  }

  #change<Answer>(name: Name, { answer, next }: Change<Answer>, keepMs?: number): Answer {
    if (next === "absent") this.#kept.delete(name);
    else if (next !== undefined) {
      const expires = keepMs === undefined ? this.#kept.get(name)!.expires : Date.now() + keepMs;
      this.#kept.set(name, { record: next, expires });
    }
    return answer;
  }
}
