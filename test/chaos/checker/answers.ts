import { PROBLEMS } from "../../../src/domain/problem.ts";
import type { ProblemCode } from "../../../src/domain/problem.ts";
import { KEPT_BYTES } from "../limits.ts";
import { isSuccess } from "./operations.ts";
import type { Losses } from "./losses.ts";
import type { Arrival, Told, Tried } from "./operations.ts";
import type { Violation } from "./violation.ts";

/** The refusals that this traffic can meet. Every other one, `internal` above all, is a finding. */
const EXPECTED: ReadonlySet<string> = new Set<ProblemCode>([
  "operation-in-flight",
  "outcome-unknown",
  "credential-changed",
  "response-not-kept",
  "key-reused",
  "still-running",
  "upstream-unreachable",
  "store-unavailable",
  "overloaded",
  "draining",
  "bad-request", // an upload that stalled for longer than its client's patience
]);

/** What a retry may be told in the place of its answer, because the gateway cannot look it up at the moment. */
const NOT_NOW: ReadonlySet<string> = new Set<ProblemCode>([
  "store-unavailable",
  "store-lost-data",
  "overloaded",
  "draining",
  "bad-request",
]);

/** What the proxy in front of the upstream says (upstream/main.ts, `bad-gateway`). */
const OF_A_PROXY = 502;

/** G2 and G3: every answer is one of the table's or what the upstream said to this very request. `byAnswer`: of all operations. */
export function checkAnswers(told: Told, byAnswer: ReadonlyMap<string, Arrival>, losses: Losses): Violation[] {
  return [
    ...told.tried.flatMap((tried) => checkAnswer(told, tried, byAnswer, losses)),
    ...losses.livesOf(told).flatMap((tried) => checkReplays({ ...told, tried })),
  ];
}

function checkAnswer(
  { name, arrivals }: Told,
  tried: Tried,
  byAnswer: ReadonlyMap<string, Arrival>,
  losses: Losses,
): Violation[] {
  const { ending } = tried;
  if (ending.kind !== "answer") return [];
  const violation = (kind: Violation["kind"], why: string): Violation[] => [
    { kind, name, what: `attempt ${tried.id} at ${tried.gateway}: ${why}: ${JSON.stringify(ending)}` },
  ];
  if (ending.code !== undefined) {
    const isExpected =
      EXPECTED.has(ending.code) || (ending.code === "store-lost-data" && losses.mayBeFelt(tried.at, tried.until));
    const statuses: readonly number[] = isExpected ? PROBLEMS[ending.code as ProblemCode].statuses : [];
    return statuses.includes(ending.status) ? [] : violation("strange-answer", "not one of the table's");
  }
  const source = arrivals.find(({ answer }) => answer === ending.body) ?? byAnswer.get(ending.body);
  if (source === undefined) {
    const isOfProxy = ending.status === OF_A_PROXY && arrivals.some(({ behaviour }) => behaviour === "bad-gateway");
    return isOfProxy ? [] : violation("altered-answer", "nothing that the upstream said");
  }
  const isOwn = arrivals.includes(source) && source.body === tried.body && source.credential === tried.credential;
  if (!isOwn) return violation("foreign-answer", `made for ${source.tenant}/${source.key}`);
  if (source.status !== ending.status) return violation("altered-answer", `the upstream said ${source.status}`);
  if (ending.replayed && ending.cookie) return violation("strange-answer", "a replayed Set-Cookie");
  if (ending.replayed && source.did === "declined")
    return violation("strange-answer", "a replay of what did not begin");
  return [];
}

/** Who saw a 2xx that was stored gets it again, from that moment on, for as long as the store keeps what it acknowledged. */
function checkReplays({ name, tried, arrivals }: Told): Violation[] {
  const seen = tried
    .filter(({ ending }) => isSuccess(ending) && ending.stored)
    .toSorted((a, b) => a.until - b.until)[0];
  if (seen === undefined) return [];
  const original = arrivals.find(({ did }) => did === "acted");
  const isTooLarge = (original?.bytes ?? 0) > KEPT_BYTES;
  return tried
    .filter(({ at, body, credential }) => at > seen.until && body === seen.body && credential === seen.credential)
    .filter(({ ending }) => {
      if (ending.kind !== "answer" || isSuccess(ending)) return false;
      const { code } = ending;
      return !NOT_NOW.has(code ?? "") && !(isTooLarge && code === "response-not-kept");
    })
    .map(({ id, gateway, ending }) => ({
      kind: "lost-answer",
      name,
      what: `seen by attempt ${seen.id}; attempt ${id} at ${gateway} got ${JSON.stringify(ending)}`,
    }));
}
