/** Everything that may happen next in a state, each with words for the trace. */
export type Model<State> = {
  initial: State;
  steps(state: State): Iterable<[step: string, next: State]>;
  /** What is wrong with a state, if anything. */
  violation(state: State): string | undefined;
  /** Looks at states in which nothing more can happen. */
  atEnd?(state: State): string | undefined;
};

export type Found =
  | { kind: "holds"; states: number; ends: number }
  | { kind: "violated"; what: string; trace: string[]; states: number }
  | { kind: "too-large"; states: number };

/** Visits every reachable state once, the nearest first, so that a trace is as short as can be. Bounded by `most` states. */
export function search<State>(model: Model<State>, most: number): Found {
  const seen = new Set<string>();
  const queue: Visit<State>[] = [];
  let ends = 0;
  const visit = (state: State, step: string, from: Visit<State> | undefined): void => {
    const id = JSON.stringify(state);
    if (seen.has(id)) return;
    seen.add(id);
    queue.push({ state, step, from });
  };
  visit(model.initial, "start", undefined);
  for (let i = 0; i < queue.length; i++) {
    const here = queue[i]!;
    let isEnd = true;
    for (const [step, next] of model.steps(here.state)) {
      isEnd = false;
      visit(next, step, here);
    }
    if (isEnd) ends++;
    const what = model.violation(here.state) ?? (isEnd ? model.atEnd?.(here.state) : undefined);
    if (what !== undefined) return { kind: "violated", what, trace: traceOf(here), states: seen.size };
    if (seen.size > most) return { kind: "too-large", states: seen.size };
    here.state = undefined as State; // only its trace is needed from here on
  }
  return { kind: "holds", states: seen.size, ends };
}

type Visit<State> = { state: State; step: string; from: Visit<State> | undefined };

function traceOf<State>(last: Visit<State>): string[] {
  const trace: string[] = [];
  for (let at: Visit<State> | undefined = last; at !== undefined; at = at.from) trace.unshift(at.step);
  return trace;
}
