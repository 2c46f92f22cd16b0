import type { Name, Token } from "../domain/record.ts";
import { within } from "../patience.ts";
import type { Lease } from "../store/lease.ts";
import { StoreError, storeErrorOnly } from "../store/records.ts";
import type { Records } from "../store/records.ts";
import { Renewal } from "../store/renewal.ts";
import { Resending } from "../store/resending.ts";
import type { Turns } from "../store/turns.ts";

/** Who waits asks again at least this often, or it is taken for dead; a store that stalls for a second drops nobody. */
const ALIVE_MS = 2_000;
const LONGEST_PAUSE_MS = 500;
/** A turn that goes to another gateway's waiter stands empty for at most about so long: next to a request to any API, little. */
const SHORTEST_PAUSE_MS = 20;
const TROUBLE_PAUSE_MS = 100;
/** No API answers an edit sooner. */
const SHORTEST_TURN_MS = 5;

export type DocumentQueueSettings = { turns: Turns; records: Pick<Records, "revoke">; leaseMs: number };

export type Wish = { isDelete: boolean; waitMs: number };

/** Whose operation waits, as it is claimed. */
export type Waiting = { readonly holder: { owner: Token; name: Name } };

export type Turn = {
  /** Asked right before the first byte leaves, as the lease of the record. */
  isGood(): boolean;
  /** The operation has ended, or will not begin. To be called once. */
  leave(): void;
};

/**
 * The owner's side of the queues of documents (domain/turn.ts): waits, asks again, revokes the operation of a holder that died before
 * it takes its place, keeps a turn up while it is used, and leaves nothing behind in the store.
 */
export class DocumentQueue {
  readonly #settings: DocumentQueueSettings;
  readonly #resending = new Resending();
  /** This gateway's waiters between two asks. */
  readonly #sleepers = new Map<Token, () => void>();

  constructor(settings: DocumentQueueSettings) {
    this.#settings = settings;
  }

  /**
   * Resolves when it is the operation's turn, or after waitMs at the latest. `deleting`: another delete of the document waits or runs.
   * Throws StoreError where the store could not be asked to the end.
   */
  async enter(document: Name, { holder }: Waiting, { isDelete, waitMs }: Wish): Promise<Turn | "busy" | "deleting"> {
    const { turns, records, leaseMs } = this.#settings;
    const enteredAt = performance.now();
    const deadline = turns.time(document) + waitMs;
    const left = (): number => Math.max(0, enteredAt + waitMs - performance.now());
    let isAmbiguous = false; // a copy of what was asked may still arrive
    let after: Token | undefined;
    let firstAhead: number | undefined;
    let trouble: StoreError | undefined;
    const leave = (): void => this.#leave(document, holder.owner, isAmbiguous ? deadline : undefined);

    while (left() > 0) {
      const sentAt = performance.now();
      const entry = { ...holder, isDelete, leaseMs, aliveMs: ALIVE_MS, deadline, waitMs, after };
      const answer = await within(left(), turns.enter(document, entry).catch(storeErrorOnly));
      if (answer === undefined || answer instanceof StoreError) {
        isAmbiguous ||= answer?.fate !== "unsent";
        trouble = answer ?? trouble;
        await this.#sleep(holder.owner, Math.min(TROUBLE_PAUSE_MS, left()));
        continue;
      }
      trouble = undefined;
      switch (answer.kind) {
        case "held":
          return this.#turn(document, holder.owner, sentAt, leave);
        case "deleting":
          if (isAmbiguous) leave();
          return "deleting";
        case "too_late":
          return "busy";
        case "lapsed": {
          const { name, owner } = answer.holder;
          const revoked = await within(left(), records.revoke(name, owner).catch(storeErrorOnly));
          if (revoked === "revoked") after = owner;
          else await this.#sleep(holder.owner, Math.min(TROUBLE_PAUSE_MS, left()));
          trouble = revoked instanceof StoreError ? revoked : undefined;
          break;
        }
        case "waiting": {
          firstAhead ??= answer.ahead;
          const pause = askAgainMs(answer.ahead, firstAhead - answer.ahead, performance.now() - enteredAt);
          await this.#sleep(holder.owner, Math.min(pause, left()));
        }
      }
    }
    leave();
    if (trouble !== undefined) throw trouble;
    return "busy";
  }

  /** As `enter`, and then begins what was claimed to wait. `lost`: it took so long that the claim is another one's. */
  async begin(
    document: Name,
    lease: Waiting & Pick<Lease, "begin">,
    wish: Wish,
  ): Promise<Turn | "busy" | "deleting" | "lost" | "store_lost"> {
    const turn = await this.enter(document, lease, wish);
    if (typeof turn === "string") return turn;
    let begun: Awaited<ReturnType<Lease["begin"]>> | undefined;
    try {
      begun = await lease.begin();
      return begun === "begun" ? turn : begun;
    } finally {
      if (begun !== "begun") turn.leave();
    }
  }

  /** Resolves when the store has acknowledged everything that was left. */
  idle(): Promise<void> {
    return this.#resending.idle();
  }

  #turn(document: Name, owner: Token, sentAt: number, leave: () => void): Turn {
    const { turns, leaseMs } = this.#settings;
    const renewal = new Renewal({ leaseMs, sentAt, renew: () => turns.renew(document, owner, leaseMs) });
    return {
      isGood: () => renewal.isGood(),
      leave: () => {
        renewal.stop();
        leave();
      },
    };
  }

  /** `deadline`: of copies that may still arrive and enter for nobody. */
  #leave(document: Name, owner: Token, deadline = -Infinity): void {
    this.#resending.takeBack(deadline, async () => {
      const left = await this.#settings.turns.leave(document, owner);
      if (left.next !== undefined) this.#sleepers.get(left.next)?.();
      return left;
    });
  }

  /** Until then, or until somebody on this gateway leaves it the turn. */
  #sleep(owner: Token, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(owner);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#sleepers.set(owner, wake);
    });
  }
}

/**
 * How soon to ask again, who has `ahead` others before it besides the holder, of whom `moved` have gone in `waitedMs`: after half of
 * the time that it will probably take. So a long line asks little, and who is next asks within an eighth of a turn's time.
 */
export function askAgainMs(ahead: number, moved: number, waitedMs: number): number {
  const turnMs = Math.max(SHORTEST_TURN_MS, waitedMs / (moved + 1));
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, ((ahead + 1 / 4) * turnMs) / 2));
}
