import { setTimeout as sleep } from "node:timers/promises";
import { Readable } from "node:stream";
import { publish, refuse } from "./answering.ts";
import type { Duplicates } from "./admission/duplicates.ts";
import type { DocumentQueue } from "./admission/document-queue.ts";
import type { Circuits } from "./admission/circuits.ts";
import type { Share } from "./budget.ts";
import { claimAsFirst } from "./claiming.ts";
import type { Claimed } from "./claiming.ts";
import { voiceOf } from "./domain/error-form.ts";
import type { Problem } from "./domain/problem.ts";
import { asksForPublication } from "./domain/publication.ts";
import * as refusal from "./domain/refusal.ts";
import type { Unended } from "./domain/refusal.ts";
import { atFirstSight, preferredWaitMs } from "./domain/rule.ts";
import type { Rule } from "./domain/rule.ts";
import { identify, isSameRequest, recognise } from "./operation.ts";
import type { Operation } from "./operation.ts";
import { within } from "./patience.ts";
import type { Lost, Prober } from "./prober.ts";
import { PASS_ON } from "./request.ts";
import type { PassOn, Reply, Request, WholeBody } from "./request.ts";
import { answerRetry } from "./retried.ts";
import { retriesOf } from "./retrying.ts";
import { settle } from "./settling.ts";
import type { Lease } from "./store/lease.ts";
import type { Naming } from "./store/name-secret.ts";
import type { Owner } from "./store/owner.ts";
import { StoreError, storeErrorOnly } from "./store/records.ts";
import type { VerifyToken } from "./tokens.ts";
import type { Upstream } from "./upstream/execute.ts";
import type { Execution } from "./upstream/try.ts";

/** What the pipeline works with. */
export type Gate = {
  /** In the order in which they are looked at. */
  rules(): readonly Rule[];
  /** The rules are there for every client to read. */
  isPublishing: boolean;
  /** Of the JWT that a scope is read from; without it tokens are decoded and not verified. */
  verifyToken?: VerifyToken | undefined;
  /** Throws StoreError while the store was never reached. */
  naming(): Promise<Naming | "store_lost">;
  owner: Owner;
  queue: DocumentQueue;
  duplicates: Duplicates;
  circuits: Circuits<Execution>;
  upstream: Upstream;
  prober: Prober;
  clientWaitMs: number;
  /** An operation ended after its client's patience: nobody reads the reply. */
  onLateEnd(request: Request, reply: Reply): void;
  onLateFailure(request: Request, error: unknown): void;
};

/** One request, top to bottom (DESIGN, section 3). Resolves to the reply, or says that the request is none of an operation's. */
export async function handle(request: Request, gate: Gate): Promise<Reply | PassOn> {
  if (gate.isPublishing && asksForPublication(request)) return publish(gate.rules());
  const sight = atFirstSight(gate.rules(), request);
  if (sight.kind === "pass-through") return PASS_ON;
  if (sight.kind === "refused")
    return stopped(request, sight.rule, refuse(request, sight.problem, voiceOf(sight.rule.errors)));

  const read = await request.readBody();
  if (read.kind !== "whole") {
    const strictest = sight.shortlist.find(({ isObserved }) => !isObserved) ?? sight.shortlist[0]; // it may be that one's operation
    const reply = refuse(request, refusal.unreadable(read.kind), voiceOf(strictest.errors));
    if (!strictest.isObserved) read.begun?.share.giveBack();
    return read.kind === "cut" ? reply : stopped(request, strictest, reply, read.begun);
  }
  let isHandedOn = false;
  try {
    const decision = await decide(request, sight.shortlist, read, gate);
    isHandedOn = decision.kind !== "stop" || decision.rule.isObserved;
    if (decision.kind === "stop") return stopped(request, decision.rule, decision.reply, read);
    if (decision.kind === "execute") return await executed(decision.operation, decision.lease, gate, read.share);
    return { ...PASS_ON, read };
  } finally {
    if (!isHandedOn) read.share.giveBack();
  }
}

/** What a rule would stop it only notes where it observes: the request goes on as if there were no gateway. */
function stopped(request: Request, rule: Rule, reply: Reply, read?: PassOn["read"]): Reply | PassOn {
  request.facts.rule = rule.name;
  if (!rule.isObserved) return reply;
  request.facts.observed = reply.outcome;
  return read === undefined ? PASS_ON : { ...PASS_ON, read };
}

type Decision =
  | { kind: "pass-through" }
  | { kind: "stop"; rule: Rule; reply: Reply }
  | { kind: "execute"; operation: Operation; lease: Lease };

/** Recognise, validate, identify, claim: what a request with its body is. */
async function decide(
  request: Request,
  shortlist: readonly Rule[],
  { body, share }: WholeBody,
  gate: Gate,
): Promise<Decision> {
  const recognised = recognise(request, shortlist, body);
  if (recognised.kind === "pass-through") return recognised;
  const { rule, say } = recognised;
  const stop = (problem: Problem): Decision => ({ kind: "stop", rule, reply: refuse(request, problem, say) });
  if (recognised.kind === "refused") return stop(recognised.problem);
  try {
    const naming = await gate.naming();
    if (naming === "store_lost") return stop(refusal.storeLost());
    const operation = await identify(recognised.governed, naming, gate.verifyToken);
    if ("code" in operation) return stop(operation);
    const secondsOpen = gate.circuits.secondsOpen(operation);
    // A retry of what ended or runs sends nothing; where the record goes meanwhile, the circuit keeps the operation back.
    if (secondsOpen !== undefined && !(await gate.owner.hasBegun(operation.name)))
      return stop(refusal.circuitOpen(secondsOpen));
    let claim = await claimOrWait(operation, gate);
    let unended: Unended | undefined;
    const lost = lostTo(operation, claim);
    if (lost !== undefined) {
      const looked = await gate.prober.look(operation, lost, share);
      if (looked.kind === "ended") claim = await claimOrWait(operation, gate);
      else unended = looked.unended;
    }
    if (claim.kind === "claimed") return { kind: "execute", operation, lease: claim.lease };
    return {
      kind: "stop",
      rule,
      reply: await answerRetry(operation, claim, { upstream: gate.upstream, share, unended }),
    };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    request.facts.why = error.message;
    return stop(refusal.storeUnavailable());
  }
}

/** Claims, and where the original still runs asks again for as long as the rule or the client's `Prefer: wait` says. */
async function claimOrWait(operation: Operation, gate: Gate): Promise<Claimed> {
  const { request, rule } = operation;
  const startedAt = performance.now();
  const wished = rule.isObserved ? 0 : (preferredWaitMs(request.headers["prefer"]) ?? rule.inFlightWaitMs);
  const waitUntil = startedAt + Math.min(wished, gate.clientWaitMs);
  for (let pause = 50; ; pause = Math.min(2 * pause, 500)) {
    const claim = await claimAsFirst(operation, gate);
    request.facts.storeMs = performance.now() - startedAt;
    const left = waitUntil - performance.now();
    const { kind } = claim.kind === "duplicate" ? claim.of : claim;
    if (kind !== "in_flight" || left <= 0 || request.isGone()) return claim;
    await sleep(Math.min(pause, left));
  }
}

/** The unknown operation of which this one is a retry: by its key, or as a duplicate that asks for the very same. */
function lostTo(operation: Operation, claim: Claimed): Lost | undefined {
  if (claim.kind === "unknown") return { name: operation.name, record: claim.record };
  if (claim.kind !== "duplicate" || claim.of.kind !== "unknown") return undefined;
  return isSameRequest(operation, claim.of.record) ? claim.of : undefined;
}

/** Executes and settles, whatever becomes of the client; replies within the client's patience. */
async function executed(operation: Operation, lease: Lease, gate: Gate, share: Share): Promise<Reply> {
  const { request, rule, say } = operation;
  const ending = inTurn(operation, lease, gate, share);
  const reply = rule.isObserved ? await ending : await within(gate.clientWaitMs, ending);
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

/**
 * Executes, where the rule serialises a document when it is the operation's turn. One that does not get it is released. What the
 * operation held is given back, however it ends.
 */
async function inTurn(operation: Operation, lease: Lease, gate: Gate, share: Share): Promise<Reply> {
  const { request, rule, document, say } = operation;
  try {
    if (document === undefined || rule.turn === undefined)
      return await execute(operation, lease, gate, { maySend: () => rule.isObserved || lease.isGood(), share });
    const turn = await gate.queue.begin(document, lease, rule.turn).catch(storeErrorOnly);
    if (turn instanceof StoreError || typeof turn === "string") {
      if (turn instanceof StoreError) request.facts.why = turn.message;
      await lease.release();
      const isUnasked = turn instanceof StoreError;
      return refuse(request, isUnasked ? refusal.storeUnavailable() : refusal.noTurn(turn, rule.turn.waitMs), say);
    }
    const maySend = (): boolean => lease.isGood() && turn.isGood();
    return await execute(operation, lease, gate, { maySend, share }).finally(() => turn.leave());
  } finally {
    lease.stopRenewing();
    share.giveBack();
  }
}

async function execute(
  operation: Operation,
  lease: Lease,
  gate: Gate,
  sending: { maySend: () => boolean; share: Share },
): Promise<Reply> {
  const { request, rule, body } = operation;
  const { facts, method, path, query } = request;
  const outgoing = {
    method,
    target: query === "" ? path : `${path}?${query}`,
    headers: request.outgoingHeaders(),
    body,
  };
  const sentAt = performance.now();
  const send = () => gate.upstream.execute(outgoing, sending, retriesOf(rule));
  const execution = await gate.circuits.run(operation, send);
  const endedAt = performance.now();
  const reply = await settle(operation, execution, lease);
  facts.upstreamMs = endedAt - sentAt;
  facts.storeMs = (facts.storeMs ?? 0) + performance.now() - endedAt;
  return reply;
}
