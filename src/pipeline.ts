import { setTimeout as sleep } from "node:timers/promises";
import { Readable } from "node:stream";
import { answerJson } from "./answer-json.ts";
import { fromUpstream, refuse, replay } from "./answering.ts";
import type { UpstreamAnswer } from "./answering.ts";
import type { DocumentQueue } from "./admission/document-queue.ts";
import { ask } from "./asking.ts";
import type { Share } from "./budget.ts";
import { voiceOf } from "./domain/error-form.ts";
import { judge } from "./domain/outcome.ts";
import type { Token } from "./domain/record.ts";
import * as refusal from "./domain/refusal.ts";
import { keepHead, keep } from "./domain/replay.ts";
import type { Kept } from "./domain/replay.ts";
import { atFirstSight, preferredWaitMs } from "./domain/rule.ts";
import type { Rule } from "./domain/rule.ts";
import { identify, recognise } from "./operation.ts";
import type { Operation } from "./operation.ts";
import { within } from "./patience.ts";
import { PASS_ON } from "./request.ts";
import type { PassOn, Reply, Request } from "./request.ts";
import type { Lease } from "./store/lease.ts";
import type { Naming } from "./store/name-secret.ts";
import type { Claim, Owner } from "./store/owner.ts";
import { StoreError, storeErrorOnly } from "./store/records.ts";
import type { VerifyToken } from "./tokens.ts";
import type { Upstream } from "./upstream/execute.ts";
import type { Execution } from "./upstream/try.ts";

/** What the pipeline works with. */
export type Gate = {
  /** In the order in which they are looked at. */
  rules(): readonly Rule[];
  /** Of the JWT that a scope is read from; without it tokens are decoded and not verified. */
  verifyToken?: VerifyToken | undefined;
  /** Throws StoreError while the store was never reached. */
  naming(): Promise<Naming | "store_lost">;
  owner: Owner;
  queue: DocumentQueue;
  upstream: Upstream;
  clientWaitMs: number;
  /** An operation ended after its client's patience: nobody reads the reply. */
  onLateEnd(request: Request, reply: Reply): void;
  onLateFailure(request: Request, error: unknown): void;
};

/** One request, top to bottom (DESIGN, section 3). Resolves to the reply, or says that the request is none of an operation's. */
export async function handle(request: Request, gate: Gate): Promise<Reply | PassOn> {
  const sight = atFirstSight(gate.rules(), request);
  if (sight.kind === "pass-through") return PASS_ON;
  if (sight.kind === "refused") return refuse(request, sight.problem, voiceOf(sight.rule.errors));

  let say = voiceOf(sight.shortlist[0].errors);
  const read = await request.readBody();
  if (read.kind !== "whole") return refuse(request, refusal.unreadable(read.kind), say);
  let isHandedOn = false;
  try {
    const recognised = recognise(request, sight.shortlist, read.body);
    if (recognised.kind === "pass-through") {
      isHandedOn = true;
      return { ...PASS_ON, read };
    }
    if (recognised.kind === "refused") return refuse(request, recognised.problem, recognised.say);
    ({ say } = recognised.governed);
    const naming = await gate.naming();
    if (naming === "store_lost") return refuse(request, refusal.storeLost(), say);
    const operation = await identify(recognised.governed, naming, gate.verifyToken);
    if ("code" in operation) return refuse(request, operation, say);
    const claim = await claimOrWait(operation, gate);
    if (claim.kind !== "claimed") return await answerRetry(operation, claim, gate, read.share);
    isHandedOn = true;
    return await executed(operation, claim.lease, gate, read.share);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    request.facts.why = error.message;
    return refuse(request, refusal.storeUnavailable(), say);
  } finally {
    if (!isHandedOn) read.share.giveBack();
  }
}

/** Claims, and where the original still runs asks again for as long as the rule or the client's `Prefer: wait` says. */
async function claimOrWait(operation: Operation, gate: Gate): Promise<Claim> {
  const { request, rule, name, fingerprint, credential, isNameCurrent, document } = operation;
  const into = document === undefined ? "executing" : "claimed";
  const startedAt = performance.now();
  const wished = preferredWaitMs(request.headers["prefer"]) ?? rule.inFlightWaitMs;
  const waitUntil = startedAt + Math.min(wished, gate.clientWaitMs);
  for (let pause = 50; ; pause = Math.min(2 * pause, 500)) {
    const claim = await gate.owner.claim(name, { fingerprint, credential }, isNameCurrent, into);
    request.facts.storeMs = performance.now() - startedAt;
    const left = waitUntil - performance.now();
    if (claim.kind !== "in_flight" || left <= 0 || request.isGone()) return claim;
    await sleep(Math.min(pause, left));
  }
}

/** The answer to a request whose operation is somebody else's, or over. Changes no record. */
async function answerRetry(
  operation: Operation,
  claim: Exclude<Claim, { kind: "claimed" }>,
  gate: Gate,
  share: Share,
): Promise<Reply> {
  const { request, rule, say } = operation;
  switch (claim.kind) {
    case "in_flight":
      return refuse(request, refusal.inFlight(isoTime(claim.startedAt)), say);
    case "mismatch":
      return refuse(request, refusal.keyReused(isoTime(claim.startedAt)), say);
    case "unknown":
      return refuse(request, refusal.stillUnknown(isoTime(claim.record.startedAt), claim.record.reason), say);
    case "store_lost":
      return refuse(request, refusal.storeLost(), say);
    case "completed":
      if (rule.onCompleted === "reject") return refuse(request, refusal.rejected(), say);
      return (await reasonNotToShow(operation, claim.credential, gate, share)) ?? replay(operation, claim.kept);
  }
}

/** The API's yes, where the rule asks for it at every replay; else the credential of the first request, or a scope to be trusted. */
async function reasonNotToShow(
  operation: Operation,
  executedWith: Token,
  { upstream }: Gate,
  share: Share,
): Promise<Reply | undefined> {
  const { request, rule, credential, say } = operation;
  if (rule.authorize !== undefined) {
    const answer = await ask(rule.authorize, operation, { upstream, share });
    if (answer === undefined || answer.status >= 500) return refuse(request, refusal.authorizationUnheard(), say);
    return answer.status < 300 ? undefined : refuse(request, refusal.notAuthorized(answer.status), say);
  }
  if (executedWith === credential || rule.trustScope) return undefined;
  return refuse(request, refusal.credentialChanged(), say);
}

/** Executes and settles, whatever becomes of the client; replies within the client's patience. */
async function executed(operation: Operation, lease: Lease, gate: Gate, share: Share): Promise<Reply> {
  const { request, say } = operation;
  const ending = inTurn(operation, lease, gate, share).finally(() => {
    lease.stopRenewing();
    share.giveBack();
  });
  const reply = await within(gate.clientWaitMs, ending);
  if (reply !== undefined) return reply;
  void ending.then(
    (late) => {
      if (late.body instanceof Readable) late.body.destroy();
      gate.onLateEnd(request, late);
    },
    (error: unknown) => gate.onLateFailure(request, error),
  );
  return refuse(request, refusal.stillRunning(gate.clientWaitMs), say);
}

/** Executes, where the rule serialises a document when it is the operation's turn. One that does not get it is released. */
async function inTurn(operation: Operation, lease: Lease, gate: Gate, share: Share): Promise<Reply> {
  const { request, rule, document, say } = operation;
  if (document === undefined || rule.turn === undefined)
    return execute(operation, lease, gate, { maySend: () => lease.isGood(), share });
  const turn = await gate.queue.begin(document, lease, rule.turn).catch(storeErrorOnly);
  if (turn instanceof StoreError || typeof turn === "string") {
    if (turn instanceof StoreError) request.facts.why = turn.message;
    await lease.release();
    const isUnasked = turn instanceof StoreError;
    return refuse(request, isUnasked ? refusal.storeUnavailable() : refusal.noTurn(turn, rule.turn.waitMs), say);
  }
  return execute(operation, lease, gate, { maySend: () => lease.isGood() && turn.isGood(), share }).finally(() =>
    turn.leave(),
  );
}

async function execute(
  operation: Operation,
  lease: Lease,
  gate: Gate,
  sending: { maySend: () => boolean; share: Share },
): Promise<Reply> {
  const { request, body } = operation;
  const { facts, method, path, query } = request;
  const outgoing = {
    method,
    target: query === "" ? path : `${path}?${query}`,
    headers: request.outgoingHeaders(),
    body,
  };
  const sentAt = performance.now();
  const execution = await gate.upstream.execute(outgoing, sending);
  const endedAt = performance.now();
  const reply = await settle(operation, execution, lease);
  facts.upstreamMs = endedAt - sentAt;
  facts.storeMs = (facts.storeMs ?? 0) + performance.now() - endedAt;
  return reply;
}

/** Settle, then reply: who has seen the end of an answer can retry at once and gets it again. */
async function settle(operation: Operation, execution: Execution, lease: Lease): Promise<Reply> {
  const { request, say } = operation;
  switch (execution.kind) {
    case "answered":
      return settleAnswer(operation, execution.answer, keep(execution.answer), lease);
    case "overflowed":
      return settleAnswer(operation, execution, keepHead(execution.status, execution.headers), lease);
    case "never-sent":
      request.facts.why = execution.why;
      await lease.release();
      return refuse(request, refusal.neverSent(execution.reason), say);
    case "lost":
      request.facts.why = execution.why;
      await lease.hold(execution.reason);
      return { ...refuse(request, refusal.becameUnknown(execution.reason), say), outcome: "unknown" };
  }
}

async function settleAnswer(
  { request: { facts }, rule, key }: Operation,
  answer: UpstreamAnswer,
  kept: Kept,
  lease: Lease,
): Promise<Reply> {
  const reply = (outcome: Reply["outcome"], isStored: boolean): Reply => {
    if (isStored || key === undefined) return fromUpstream(outcome, answer, []);
    facts.stored = false;
    return fromUpstream(outcome, answer, ["Idempotency-Stored", "false"]);
  };
  const json = (): unknown => (kept.kind === "answer" ? answerJson(kept) : undefined);
  switch (judge(rule.outcome, { status: answer.status, headers: answer.headers, json })) {
    case "store":
      // Without a key nobody can ask for it again.
      return reply("completed", await (key === undefined ? lease.release() : lease.complete(kept, rule.retentionMs)));
    case "release":
      return reply("released", await lease.release());
    case "unknown":
      return reply("unknown", await lease.hold("unknown-status"));
  }
}

const isoTime = (ms: number): string => new Date(ms).toISOString();
