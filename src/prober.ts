import { answerText } from "./answer-json.ts";
import { ask } from "./asking.ts";
import type { Share } from "./budget.ts";
import { exactJson } from "./exact-json.ts";
import { parsedJson } from "./domain/fields.ts";
import { pointed } from "./domain/pointer.ts";
import { sight } from "./domain/probe.ts";
import type { Probe } from "./domain/probe.ts";
import type { Name, Unknown } from "./domain/record.ts";
import * as refusal from "./domain/refusal.ts";
import type { Kept } from "./domain/replay.ts";
import type { Rule } from "./domain/rule.ts";
import type { Operation } from "./operation.ts";
import { sealKept } from "./store/codec.ts";
import type { Keyring } from "./store/keyring.ts";
import type { Records } from "./store/records.ts";
import type { Upstream } from "./upstream/execute.ts";

/** `ended`: the record is not that unknown any more, whoever ended it: it is to be claimed again. Otherwise what its retry is told besides. */
export type Looked = { kind: "ended" } | { kind: "still"; unended: refusal.Unended | undefined };

/** An operation whose outcome is unknown. */
export type Lost = { name: Name; record: Unknown };

const ENDED: Looked = { kind: "ended" };
const still = (unended?: refusal.Unended): Looked => ({ kind: "still", unended });

/**
 * Ends unknowns by asking the API, on a retry and as its client. Found completes the record; not found twice, `afterMs` apart, both under
 * the credential of the first request, releases it (DESIGN, section 10). Everything else leaves it as it is.
 */
export class Prober {
  readonly #upstream: Upstream;
  readonly #records: Records;
  readonly #keyring: Keyring;
  /** One question at a time about an operation, however many retry it: until the API is done with it. */
  readonly #asked = new Set<Name>();

  constructor({ upstream, records, keyring }: { upstream: Upstream; records: Records; keyring: Keyring }) {
    this.#upstream = upstream;
    this.#records = records;
    this.#keyring = keyring;
  }

  /** `operation`: a retry of the one that is lost, which asks for the same. Throws StoreError. */
  async look(operation: Operation, lost: Lost, share: Share): Promise<Looked> {
    const { rule, credential, request, input } = operation;
    const { name, record } = lost;
    const { probe } = rule;
    const isFirstCredential = credential === record.credential;
    // What another credential of a scope that anybody can claim finds could be its own, and would be replayed to the first.
    if (probe === undefined || !(isFirstCredential || rule.trustScope)) return still();
    if (this.#asked.has(name)) return still(refusal.beingProbed());

    this.#asked.add(name);
    const askedAt = performance.now();
    const onEnd = (): void => void this.#asked.delete(name);
    const answer = await ask(probe.request, operation, { upstream: this.#upstream, share, onEnd });
    if (answer === undefined || answer.status >= 500 || answer.status === 429) {
      request.facts.why =
        answer === undefined ? "the probe was not answered" : `the probe was answered ${answer.status}`;
      return still(refusal.probeUnheard());
    }

    const text = answerText(answer) ?? "";
    const { status } = answer;
    const sighting = sight(probe, { status, json: parsedJson(text) }, { input, startedAt: record.startedAt });
    switch (sighting.kind) {
      case "unclear":
        request.facts.why = sighting.why;
        return still(refusal.probeUnclear());
      case "found": {
        const result = JSON.stringify(pointed(exactJson(text), sighting.pointer));
        return this.#found(rule, lost, answerOf(probe, result));
      }
      case "absent": {
        if (!isFirstCredential) return still(refusal.absentToAnother());
        const looked = await this.#records.look(name, record.owner, Date.now());
        if (looked.kind === "refused") return ENDED;
        // What was seen now was seen no earlier than it was asked.
        const againInMs = probe.afterMs - looked.firstAgoMs + (performance.now() - askedAt);
        return againInMs > 0 ? still(refusal.absentOnce(againInMs)) : this.#absentTwice(rule, lost);
      }
    }
  }

  async #found(rule: Rule, { name, record }: Lost, kept: Kept): Promise<Looked> {
    const { owner } = record;
    const answer = await sealKept(this.#keyring, name, record, kept);
    const resolution = { owner, verdict: "executed", answer, retentionMs: rule.retentionMs } as const;
    const note = {
      event: "resolved",
      name,
      owner,
      verdict: "executed",
      by: "probe",
      why: `rule ${rule.name}`,
    } as const;
    await this.#records.resolve(name, resolution, note);
    return ENDED;
  }

  async #absentTwice(rule: Rule, { name, record: { owner } }: Lost): Promise<Looked> {
    const resolution = { owner, verdict: "not-executed" } as const;
    const note = { event: "resolved", name, ...resolution, by: "probe", why: `rule ${rule.name}` } as const;
    await this.#records.resolve(name, resolution, note);
    return ENDED;
  }
}

const answerOf = ({ status }: Probe, result: string): Kept => ({
  kind: "probe-answer",
  status,
  headers: ["Content-Type", "application/json"],
  body: Buffer.from(result),
});
