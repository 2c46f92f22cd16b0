import { StoreError } from "../../src/store/records.ts";
import type { Records } from "../../src/store/records.ts";
import type { DomainRecords } from "../store/domain-records.ts";
import type { ClaimMade } from "./pipeline-client.ts";
import type { Lane } from "./pipeline-time.ts";

/** A verb without a reply for so long is ambiguous, as an adapter says of its command time-out. */
export const VERB_WITHIN_MS = 300;

/** The store's lease clock is another machine's. */
const STORE_CLOCK_AHEAD_MS = 1_000_000;
export const storeTime = (): number => performance.now() + STORE_CLOCK_AHEAD_MS;

/**
 * What becomes of the requests under way when a connection is cut: `late` ones arrive some time, `twice`: a copy does too. Those that
 * asked hear that their fate is ambiguous.
 */
export type Cut = "lost" | "late" | "twice";

/** The messages between gateways and store, and the requests that arrive long after their senders gave up on them. */
export type Lanes = { store: Lane; strays: Lane };

type UnderWay = { cut: (requests: Cut) => void };

/** One gateway's connection to the store: every request and every reply travels in the lane, and can be cut off there. */
export class StoreLink {
  readonly records: Records;
  /** No connection: verbs are not sent. */
  isDown = false;
  /** Some verb got no answer. */
  hasFailed = false;
  /** Its gateway crashed: nothing leaves it any more, and nobody hears replies. What was sent still arrives. */
  isDead = false;
  readonly #lanes: Lanes;
  readonly #underWay = new Set<UnderWay>();
  /** How much older the newest known time of the store is than its reply. */
  #lagMs = 0;

  constructor(id: string, lanes: Lanes, store: DomainRecords, onClaim: (claim: ClaimMade) => void) {
    this.#lanes = lanes;
    const carrying =
      <Arguments extends unknown[], Answer>(verb: string, act: (...args: Arguments) => Promise<Answer>) =>
      (...args: Arguments): Promise<Answer> =>
        this.#carry(`${id} ${verb}`, () => act(...args));
    const never = () => Promise.reject(new Error("no gateway asks for this"));
    this.records = {
      time: () => storeTime() - this.#lagMs,
      claim: carrying("claim", async (name, attempt) => {
        const stood = await store.read(name);
        const answer = await store.claim(name, attempt);
        onClaim({ owner: attempt.owner, stood, answer });
        return answer;
      }),
      begin: carrying("begin", store.begin),
      renew: carrying("renew", store.renew),
      complete: carrying("complete", store.complete),
      release: carrying("release", store.release),
      hold: carrying("hold", store.hold),
      revoke: carrying("revoke", store.revoke),
      look: carrying("look", store.look),
      read: never,
      resolve: never,
      list: never,
      find: never,
      names: never,
      countUnknown: never,
    };
  }

  cut(requests: Cut): void {
    for (const one of this.#underWay) one.cut(requests);
  }

  #carry<Answer>(what: string, act: () => Promise<Answer>): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    if (this.isDead) return promise;
    if (this.isDown) {
      this.hasFailed = true;
      return Promise.reject(new StoreError("unsent", "no connection"));
    }
    let isGivenUp = false;
    const ambiguous = (): void => {
      isGivenUp = true;
      this.hasFailed = true;
      reject(new StoreError("ambiguous", "no reply"));
    };
    let becomes: Cut | undefined;
    const arrived = async (): Promise<void> => {
      const actedAt = performance.now();
      const answer = await act();
      await this.#lanes.store.travel(`${what} is answered`);
      if (this.isDead || isGivenUp) return;
      this.#lagMs = performance.now() - actedAt;
      resolve(answer);
    };
    const stray = (): Promise<void> => this.#lanes.strays.travel(`${what} arrives late`).then(arrived);
    const tooLong = setTimeout(ambiguous, VERB_WITHIN_MS);
    const one: UnderWay = {
      cut: (requests) => {
        ambiguous();
        becomes = requests;
        if (requests === "twice") void stray();
      },
    };
    void this.#lanes.store.travel(`${what} arrives`).then(() => {
      if (becomes === "late") return stray();
      return becomes === "lost" ? undefined : arrived();
    });
    this.#underWay.add(one);
    return promise.finally(() => {
      clearTimeout(tooLong);
      this.#underWay.delete(one);
    });
  }
}
