import { AsyncLocalStorage } from "node:async_hooks";
import { Lane, nextTimer, pass, passing, settled } from "./pipeline-time.ts";
import type { Scheduler } from "fast-check";
import type { Token } from "../../src/domain/record.ts";
import type { Upstream } from "../../src/upstream/execute.ts";
import type { Alarm } from "../../src/store/lease.ts";
import { Keyring } from "../../src/store/keyring.ts";
import { StoreError } from "../../src/store/records.ts";
import { Circuits } from "../../src/admission/circuits.ts";
import { isFailure } from "../../src/upstream/try.ts";
import type { Execution } from "../../src/upstream/try.ts";
import { DomainRecords } from "../store/domain-records.ts";
import { DomainOriginals } from "../store/domain-originals.ts";
import { DomainTurns } from "../store/domain-turns.ts";
import { outcomeOfStatuses } from "../../src/domain/outcome.ts";
import { aRule } from "../support/rule.ts";
import { anAsked } from "./pipeline-client.ts";
import type { Asked, Gateway } from "./pipeline-client.ts";
import { Ledger } from "./pipeline-ledger.ts";
import { storeTime, StoreLink } from "./pipeline-link.ts";
import { resolveAll } from "./pipeline-operator.ts";
import type { Standing } from "./pipeline-operator.ts";
import { GATEWAYS } from "./pipeline-script.ts";
import type { Ask, LaneName, Step } from "./pipeline-script.ts";

// After pipeline-time.ts, so that they have virtual time.
const { handle } = await import("../../src/pipeline.ts");
const { Duplicates } = await import("../../src/admission/duplicates.ts");
const { DocumentQueue } = await import("../../src/admission/document-queue.ts");
const { Prober } = await import("../../src/prober.ts");
const { Owner } = await import("../../src/store/owner.ts");

/** The shorter one can be over before a claim that was sent again is answered. */
export const LEASES_MS = [1_000, 3_000] as const;
export const CLIENT_WAIT_MS = 5_000;
const RETENTION_MS = 86_400_000;
const RULE = aRule({
  outcome: outcomeOfStatuses({ release: [[400, 499]], unknown: [[502, 504]] }),
  retentionMs: RETENTION_MS,
});
/** Longer than any pause, patience or lease: who has not ended by then never will. */
const HEALED_WITHIN_MS = 60_000;
const ALL = 1_000;
/** When all is well, a late request arrives after so many timers: mostly before the deadline of its claim, and behind its repetition. */
const TURNS_OF_A_STRAY = 3;

/** A world of gateways, one store and one API, in which only the script and the schedulers decide what happens when. */
export class World {
  readonly asked: Asked[] = [];
  readonly gateways: Gateway[] = [];
  readonly alarms: Alarm[] = [];
  readonly ledger: Ledger;
  /** How often a person has ended an unknown. */
  resolutions = 0;
  readonly #records = new DomainRecords(() => ({ lease: storeTime(), wall: Date.now() }));
  readonly #asking = new AsyncLocalStorage<Asked>();
  readonly #claimants = new Map<Token, Asked>();
  readonly #lanes: Record<LaneName, Lane>;
  readonly #leaseMs: number;

  constructor(leaseMs: number, { store, strays, api }: Record<LaneName, Scheduler>) {
    this.#leaseMs = leaseMs;
    this.#lanes = { store: new Lane(store), strays: new Lane(strays), api: new Lane(api) };
    this.ledger = new Ledger(this.#lanes.api);
    for (let i = 0; i < GATEWAYS; i++) this.#addGateway();
  }

  /** Plays the script; then every connection is good again and every message arrives, until nothing runs any more. */
  async play(script: readonly Step[]): Promise<void> {
    for (const step of script) {
      await this.#take(step);
      await settled();
    }
    await this.#heal();
  }

  /** A request to a gateway that was just started, when all is well. */
  async askAfterwards(ask: Ask): Promise<Asked> {
    const asked = this.#ask(ask, this.#addGateway());
    await this.#heal();
    return asked;
  }

  /** Whose claim has that owner token. */
  claimant(owner: Token | undefined): Asked | undefined {
    return owner === undefined ? undefined : this.#claimants.get(owner);
  }

  /** Time passes, and the store answers at once. */
  async run(ms: number): Promise<void> {
    await passing(ms, () => this.#lanes.store.deliver(ALL));
  }

  /** What stands for every name that a client used, with the request that claimed it. */
  async standing(): Promise<Standing[]> {
    const names = new Set(this.asked.flatMap(({ request }) => request.facts.name ?? []));
    const records = await Promise.all([...names].map((name) => this.#records.read(name)));
    return records.flatMap((record) => {
      const by = this.claimant(record?.owner);
      return record === undefined || by === undefined ? [] : [{ record, by }];
    });
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case "ask":
        return void this.#ask(step.ask, this.gateways[step.ask.gateway]!);
      case "store":
      case "strays":
      case "api":
        return this.#lanes[step.do].deliver(step.count);
      case "pass":
        return pass(step.ms);
      case "run":
        return this.run(step.ms);
      case "cut":
        for (const [i, { link }] of this.gateways.entries())
          if (step.gateway === "all" || step.gateway === i) link.cut(step.requests);
        return;
      case "down":
      case "up":
        this.gateways[step.gateway]!.link.isDown = step.do === "down";
        return;
      case "crash":
        this.gateways[step.gateway]!.link.isDead = true;
        return;
      case "leave":
        if (this.asked[step.client] !== undefined) this.asked[step.client]!.hasLeft = true;
        return;
      case "resolve":
        this.resolutions += await resolveAll(await this.standing(), step.tooEarly, this.#records);
        return;
    }
  }

  #ask(ask: Ask, gateway: Gateway): Asked {
    const asked = anAsked(ask, gateway, `request ${this.asked.length}`);
    this.asked.push(asked);
    if (!gateway.link.isDead) void this.#asking.run(asked, () => this.#handled(asked));
    return asked;
  }

  async #handled(asked: Asked): Promise<void> {
    const { ledger } = this;
    const upstream: Upstream = {
      async execute(_outgoing, { maySend }) {
        const execution = await ledger.execute(asked, maySend);
        asked.executedAt = performance.now();
        return execution;
      },
      abandon: () => {},
      close: async () => {},
    };
    try {
      const reply = await handle(asked.request, {
        isPublishing: false,
        rules: () => [RULE],
        naming: async () => {
          if (asked.gateway.link.isDown) {
            asked.gateway.link.hasFailed = true;
            throw new StoreError("unsent", "no connection");
          }
          return { secret: Buffer.from("the secret of stored names"), isCurrent: () => true };
        },
        owner: asked.gateway.owner,
        queue: new DocumentQueue({
          turns: new DomainTurns(storeTime),
          records: asked.gateway.link.records,
          leaseMs: 1_000,
        }),
        circuits: new Circuits<Execution>(isFailure, { kind: "never-sent", reason: "circuit-open", why: "" }),
        upstream,
        prober: new Prober({ upstream, records: asked.gateway.link.records, keyring: new Keyring() }),
        duplicates: new Duplicates({
          originals: new DomainOriginals(),
          records: asked.gateway.link.records,
          unknownRetentionMs: 60_000,
          open: (name, record) => asked.gateway.owner.open(name, record),
        }),
        clientWaitMs: CLIENT_WAIT_MS,
        onLateEnd: () => {},
        onLateFailure: (_request, error) => (asked.failure = error),
      });
      asked.reply = reply;
      asked.recordThen = await this.#records.read(asked.request.facts.name ?? "");
    } catch (error) {
      asked.failure = error;
    }
    asked.endedAt = performance.now();
  }

  async #heal(): Promise<void> {
    const living = this.gateways.filter(({ link }) => !link.isDead);
    for (const gateway of living) {
      gateway.link.isDown = false;
      gateway.isIdle = false;
    }
    const isAnswered = (): boolean => this.asked.every((one) => one.gateway.link.isDead || one.endedAt !== undefined);
    await this.#until(isAnswered);
    for (const gateway of living) void gateway.owner.idle().then(() => (gateway.isIdle = true));
    await this.#until(() => living.every(({ isIdle }) => isIdle));
  }

  /** Lets every message arrive, and time pass, until it is so and no message is under way: or until nothing will change that. */
  async #until(isSo: () => boolean): Promise<void> {
    const givesUpAt = performance.now() + HEALED_WITHIN_MS;
    const { store, strays, api } = this.#lanes;
    for (let turn = 1, goesOn = true; goesOn && performance.now() < givesUpAt && turn < ALL; turn++) {
      await settled();
      while (!store.isEmpty || !api.isEmpty) {
        await store.deliver(ALL);
        await api.deliver(1);
      }
      const isOver = isSo() && strays.isEmpty;
      const hasStray = !strays.isEmpty;
      if (turn % TURNS_OF_A_STRAY === 0) await strays.deliver(1);
      goesOn = !isOver && ((await nextTimer()) || hasStray);
    }
  }

  #addGateway(): Gateway {
    const id = `gateway ${this.gateways.length}`;
    const link = new StoreLink(id, this.#lanes, this.#records, (claim) =>
      this.#claimants.get(claim.owner)!.claims.push(claim),
    );
    const { records } = link;
    const owner = new Owner({
      records: {
        ...records,
        claim: async (name, attempt) => {
          const asked = this.#asking.getStore()!;
          this.#claimants.set(attempt.owner, asked);
          const answer = await records.claim(name, attempt);
          asked.heard = asked.claims.find((claim) => claim.answer === answer);
          return answer;
        },
      },
      keyring: new Keyring(),
      leaseMs: this.#leaseMs,
      unknownRetentionMs: 30 * RETENTION_MS,
      onAlarm: (alarm) => this.alarms.push(alarm),
    });
    const gateway = { id, link, owner, isIdle: false };
    this.gateways.push(gateway);
    return gateway;
  }
}
