import type { Entry, Loss } from "../history.ts";
import { SETTLED_WITHIN_MS } from "../limits.ts";
import { isSuccess } from "./operations.ts";
import type { Arrival, Told, Tried } from "./operations.ts";
import type { Violation } from "./violation.ts";

/** What runs when a store loses data is settled by then, and every gateway has heard that operations go on. */
const IN_ITS_WAKE_MS = SETTLED_WITHIN_MS;

/** To an upstream that stands still behind a line that holds everything back (faults/upstream.ts, faults/wire.ts), with slack. */
const ON_ITS_WAY_MS = 10_000;

/** An acknowledged record is written so long after the answer at the latest, or before the claim's answer. */
const WRITES_WITHIN_MS = 2_000;

/**
 * The losses of a run, each of which an operator accepted. An operation whose record one of them may have taken may begin anew
 * once it is accepted, and not a moment earlier; every other operation has to stay what it is.
 */
export class Losses {
  readonly #losses: readonly Loss[];

  constructor(history: readonly Entry[]) {
    this.#losses = history.filter((entry) => entry.what === "loss");
  }

  /** Those that may have taken this operation's record, in the order of time. */
  of({ tried, arrivals }: Told): Loss[] {
    const first = Math.min(...tried.map(({ at }) => at));
    let since = -Infinity; // what was kept before an earlier loss says nothing
    return this.#losses.filter(({ extent, from, lostAt, acceptedAt = Infinity }) => {
      if (first > lostAt) return false;
      const isKept = tried.some(({ at, until, ending }) => {
        return at >= since && until < from && isSuccess(ending) && ending.stored;
      });
      const isBusy = (at: number, until: number): boolean => at < lostAt && until + WRITES_WITHIN_MS > from;
      const mayHaveWritten =
        tried.some(({ at, until }) => isBusy(at, until)) ||
        arrivals.some(({ at, answeredAt = Infinity }) => isBusy(at, answeredAt));
      const mayBeLost = extent === "all" || (!isKept && mayHaveWritten);
      if (mayBeLost) since = acceptedAt;
      return mayBeLost;
    });
  }

  /** Of a moment at which a gateway may still be busy with one. */
  mayBeFelt(from: number, until = from): boolean {
    return this.#losses.some((loss) => loss.from < until && from < (loss.acceptedAt ?? Infinity) + IN_ITS_WAKE_MS);
  }

  /** Attempts between one loss and the next; those that saw one themselves are in none. */
  livesOf(told: Told): Tried[][] {
    const own = this.of(told);
    const begins = [-Infinity, ...own.map(({ acceptedAt = Infinity }) => acceptedAt)];
    const ends = [...own.map(({ from }) => from), Infinity];
    return begins.map((begin, i) => told.tried.filter(({ at, until }) => at >= begin && until <= ends[i]!));
  }

  /** What was sent before the first acceptance, between it and the next, and so on. */
  arrivalsByLife(told: Told): Arrival[][] {
    const lives: Arrival[][] = [[]];
    let rest = told.arrivals;
    for (const loss of this.of(told)) {
      const { acceptedAt = Infinity } = loss;
      const before = rest.filter(({ at }) => at < acceptedAt);
      rest = rest.slice(before.length);
      // On its way since before the loss: at most one, where none has come before.
      if (rest[0] !== undefined && before.every(({ did }) => did === "declined") && mayBeLate(rest[0], told, loss))
        before.push(...rest.slice(0, 1));
      rest = rest.filter((arrival) => !before.includes(arrival));
      lives.at(-1)!.push(...before);
      lives.push([]);
    }
    lives.at(-1)!.push(...rest);
    return lives;
  }

  /** G6: each is noticed, and nothing begins on what is left before it is accepted. */
  check(operations: readonly Told[]): Violation[] {
    return this.#losses.flatMap(({ kind, lostAt, acceptedAt }) => {
      if (acceptedAt === undefined)
        return [{ kind: "loss-unnoticed", name: "store", what: `${kind} at ${lostAt}` } satisfies Violation];
      return operations
        .filter(({ tried, arrivals }) => {
          const isNew = tried.every(({ at }) => at > lostAt);
          return isNew && arrivals.some(({ at }) => at < acceptedAt);
        })
        .map(({ name }): Violation => {
          return { kind: "started-on-lost-store", name, what: `after ${kind} at ${lostAt}, accepted at ${acceptedAt}` };
        });
    });
  }
}

/** Its gateway was busy with the operation when the store lost the record, and it has been on its way no longer than is possible. */
function mayBeLate({ gateway, at }: Arrival, { tried }: Told, { from, lostAt, acceptedAt = Infinity }: Loss): boolean {
  const wasBusy = tried.some((one) => one.gateway === gateway && one.at < lostAt && one.until > from);
  return wasBusy && at < acceptedAt + ON_ITS_WAY_MS;
}
