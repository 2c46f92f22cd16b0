import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhenResult } from "cockatiel";
import type { CircuitBreakerPolicy } from "cockatiel";
import type { Breaker } from "../domain/breaker.ts";
import { scopeHashOf } from "../domain/key.ts";
import type { Name } from "../domain/record.ts";
import type { Rule } from "../domain/rule.ts";

/** How a piece of work ended. */
class Ended<Result> {
  readonly result: Result;
  readonly isFailure: boolean;
  constructor(result: Result, isFailure: boolean) {
    this.result = result;
    this.isFailure = isFailure;
  }
}

/** What a circuit goes by: the rule's breaker, and the scope in the name. */
type Operation = { rule: Pick<Rule, "breaker" | "isObserved">; name: Name };

type Circuit = { policy: CircuitBreakerPolicy; failed: ConsecutiveBreaker; openedAt: number };

/** Scopes that fail at one time, for each breaker. Beyond it the oldest is forgotten: its circuit counts as closed. */
const MOST_CIRCUITS = 10_000;

/**
 * The circuits of this process: one for each breaker and scope, kept only while something fails. Other gateways count for themselves,
 * and rules that are loaded anew begin anew.
 */
export class Circuits<Result> {
  readonly #isFailure: (result: Result) => boolean;
  readonly #whenOpen: Result;
  readonly #circuits = new WeakMap<Breaker, Map<string, Circuit>>();

  /** `whenOpen`: the result of what was not begun. */
  constructor(isFailure: (result: Result) => boolean, whenOpen: Result) {
    this.#isFailure = isFailure;
    this.#whenOpen = whenOpen;
  }

  /** Whole seconds after which it is worth to try again; undefined where an operation may go on now. */
  secondsOpen({ rule: { breaker }, name }: Operation): number | undefined {
    if (breaker === undefined) return undefined;
    const circuit = this.#known(breaker, scopeHashOf(name));
    if (circuit === undefined) return undefined;
    switch (circuit.policy.state) {
      case CircuitState.Closed:
        return undefined;
      case CircuitState.HalfOpen:
      case CircuitState.Isolated:
        return 1; // one is being tried
      case CircuitState.Open: {
        const leftMs = circuit.openedAt + breaker.coolOffMs - Date.now();
        return leftMs > 0 ? Math.ceil(leftMs / 1_000) : undefined;
      }
    }
  }

  /** Does `work` and counts how it ends; does nothing where the circuit has opened, or another one is being tried. */
  run(operation: Operation, work: () => Promise<Result>): Promise<Result> {
    const { breaker } = operation.rule;
    return breaker === undefined ? work() : this.#watch(breaker, operation, work);
  }

  async #watch(
    breaker: Breaker,
    { rule: { isObserved }, name }: Operation,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const scope = scopeHashOf(name);
    const circuit = this.#known(breaker, scope) ?? this.#begin(breaker, scope);
    const keepBack = async (): Promise<Result> => (isObserved ? work() : this.#whenOpen);
    if (circuit.policy.state === CircuitState.HalfOpen) return keepBack(); // the library would wait for what is being tried
    try {
      const ended = await circuit.policy.execute(async () => {
        const result = await work();
        return new Ended(result, this.#isFailure(result));
      });
      return ended.result;
    } catch (error) {
      if (error instanceof BrokenCircuitError) return keepBack();
      throw error;
    } finally {
      const isWell = circuit.policy.state === CircuitState.Closed && circuit.failed.state === 0;
      if (isWell && this.#known(breaker, scope) === circuit) this.#of(breaker).delete(scope);
    }
  }

  #of(breaker: Breaker): Map<string, Circuit> {
    const known = this.#circuits.get(breaker) ?? new Map<string, Circuit>();
    this.#circuits.set(breaker, known);
    return known;
  }

  /** The library goes by the wall clock: where that ran backwards, what is open counts as over. */
  #known(breaker: Breaker, scope: string): Circuit | undefined {
    const circuit = this.#of(breaker).get(scope);
    if (circuit === undefined || circuit.openedAt <= Date.now()) return circuit;
    this.#of(breaker).delete(scope);
    return undefined;
  }

  #begin(breaker: Breaker, scope: string): Circuit {
    const failed = new ConsecutiveBreaker(breaker.failures);
    const failing = handleWhenResult((ended) => ended instanceof Ended && ended.isFailure);
    const policy = circuitBreaker(failing, { halfOpenAfter: breaker.coolOffMs, breaker: failed });
    const circuit: Circuit = { policy, failed, openedAt: 0 };
    policy.onBreak(() => (circuit.openedAt = Date.now()));
    const known = this.#of(breaker);
    const [oldest] = known.keys();
    if (oldest !== undefined && known.size >= MOST_CIRCUITS) known.delete(oldest);
    known.set(scope, circuit);
    return circuit;
  }
}
