import type { OfOriginal } from "./admission/duplicates.ts";
import { refuse } from "./answering.ts";
import type { Asking } from "./asking.ts";
import type { Claimed } from "./claiming.ts";
import * as duplicateRefusal from "./domain/duplicate-refusal.ts";
import type { Unknown } from "./domain/record.ts";
import * as refusal from "./domain/refusal.ts";
import type { Unended } from "./domain/refusal.ts";
import type { Problem } from "./domain/problem.ts";
import type { Operation } from "./operation.ts";
import type { Reply } from "./request.ts";
import { show } from "./showing.ts";

/** `unended`: what the API said of what is unknown. */
type Answering = Asking & { unended: Unended | undefined };

/** The answer to a request whose operation is somebody else's, or over. Changes no record. */
export async function answerRetry(
  operation: Operation,
  claim: Exclude<Claimed, { kind: "claimed" }>,
  answering: Answering,
): Promise<Reply> {
  const { request, rule, say } = operation;
  switch (claim.kind) {
    case "in_flight":
      return refuse(request, refusal.inFlight(isoTime(claim.startedAt)), say);
    case "mismatch":
      return refuse(request, refusal.keyReused(isoTime(claim.startedAt)), say);
    case "unknown":
      return refuse(request, stillUnknown(refusal.stillUnknown, claim.record, answering), say);
    case "store_lost":
      return refuse(request, refusal.storeLost(), say);
    case "completed":
      if (rule.onCompleted === "reject") return refuse(request, refusal.rejected(), say);
      return show(operation, claim, answering);
    case "duplicate":
      return answerDuplicate(operation, claim.of, answering);
  }
}

/** As a retry of the original, whose key it may not have. */
async function answerDuplicate(operation: Operation, of: OfOriginal, answering: Answering): Promise<Reply> {
  const { request, rule, say } = operation;
  const { action, unless } = rule.duplicates ?? {};
  if (action === "observe" || (action === "reject" && of.kind === "completed"))
    return refuse(request, duplicateRefusal.duplicate(unless), say);
  switch (of.kind) {
    case "in_flight":
      return refuse(request, duplicateRefusal.originalInFlight(isoTime(of.startedAt)), say);
    case "unknown":
      return refuse(request, stillUnknown(duplicateRefusal.originalUnknown, of.record, answering), say);
    case "completed":
      return show(operation, of, answering, "duplicate");
  }
}

const stillUnknown = (
  told: typeof refusal.stillUnknown,
  { startedAt, reason }: Unknown,
  { unended }: Answering,
): Problem => told(isoTime(startedAt), reason, unended);

const isoTime = (ms: number): string => new Date(ms).toISOString();
