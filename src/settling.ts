import { answerJson } from "./answer-json.ts";
import { fromUpstream, refuse } from "./answering.ts";
import type { UpstreamAnswer } from "./answering.ts";
import { judge } from "./domain/outcome.ts";
import * as refusal from "./domain/refusal.ts";
import { keepHead, keep } from "./domain/replay.ts";
import type { Kept } from "./domain/replay.ts";
import { isProbedOnRetry } from "./operation.ts";
import type { Operation } from "./operation.ts";
import type { Reply } from "./request.ts";
import type { Lease } from "./store/lease.ts";
import type { Execution } from "./upstream/try.ts";

/** Settle, then reply: who has seen the end of an answer can retry at once and gets it again. */
export function settle(operation: Operation, execution: Execution, lease: Lease): Promise<Reply> {
  switch (execution.kind) {
    case "answered":
      return settleAnswer(operation, execution.answer, keep(execution.answer), lease);
    case "overflowed":
      return settleAnswer(operation, execution, keepHead(execution.status, execution.headers), lease);
    case "never-sent":
      return release(operation, execution, lease);
    case "lost":
      return hold(operation, execution, lease);
  }
}

type Ended<Kind> = Extract<Execution, { kind: Kind }>;

async function release(
  { request, say }: Operation,
  { reason, why }: Ended<"never-sent">,
  lease: Lease,
): Promise<Reply> {
  request.facts.why = why;
  await lease.release();
  return refuse(request, refusal.neverSent(reason), say);
}

async function hold(operation: Operation, { reason, why }: Ended<"lost">, lease: Lease): Promise<Reply> {
  const { request, say } = operation;
  request.facts.why = why;
  await lease.hold(reason);
  const problem = refusal.becameUnknown(reason, isProbedOnRetry(operation));
  return { ...refuse(request, problem, say), outcome: "unknown" };
}

async function settleAnswer(
  { request: { facts }, rule, key, likeness }: Operation,
  answer: UpstreamAnswer,
  kept: Kept,
  lease: Lease,
): Promise<Reply> {
  // Else nobody can ask for it again.
  const isKept = key !== undefined || likeness !== undefined;
  const reply = (outcome: Reply["outcome"], isStored: boolean): Reply => {
    if (isStored || !isKept) return fromUpstream(outcome, answer, []);
    facts.stored = false;
    return fromUpstream(outcome, answer, ["Idempotency-Stored", "false"]);
  };
  const json = (): unknown => (kept.kind === "answer" ? answerJson(kept) : undefined);
  switch (judge(rule.outcome, { status: answer.status, headers: answer.headers, json })) {
    case "store":
      return reply("completed", await (isKept ? lease.complete(kept, rule.retentionMs) : lease.release()));
    case "release":
      return reply("released", await lease.release());
    case "unknown":
      return reply("unknown", await lease.hold("unknown-status"));
  }
}
