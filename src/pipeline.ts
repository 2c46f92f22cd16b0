import { setTimeout as sleep } from "node:timers/promises";
import { Readable } from "node:stream";
import type { Share } from "./budget.ts";
import { readContent, fieldOf } from "./domain/content.ts";
import { fingerprintOf } from "./domain/fingerprint.ts";
import { endToEnd, via } from "./domain/headers.ts";
import type { RawHeaders } from "./domain/headers.ts";
import { nameOf, readKey } from "./domain/key.ts";
import { problemAnswer } from "./domain/problem.ts";
import type { Problem } from "./domain/problem.ts";
import type { Name, Token } from "./domain/record.ts";
import * as refusal from "./domain/refusal.ts";
import { keepHead, keep } from "./domain/replay.ts";
import type { Kept } from "./domain/replay.ts";
import { judge, preferredWaitMs } from "./domain/rule.ts";
import type { Rule } from "./domain/rule.ts";
import { credentialOf, scopeOf } from "./domain/scope.ts";
import { digest } from "./domain/token.ts";
import { within } from "./patience.ts";
import type { Outcome, Reply, Request } from "./request.ts";
import type { Lease } from "./store/lease.ts";
import type { Naming } from "./store/name-secret.ts";
import type { Claim, Owner } from "./store/owner.ts";
import { StoreError } from "./store/records.ts";
import type { Upstream } from "./upstream/execute.ts";
import type { Execution } from "./upstream/try.ts";

/** What the pipeline works with. */
export type Gate = {
  rule: Rule;
  /** Throws StoreError while the store was never reached. */
  naming(): Promise<Naming | "store_lost">;
  owner: Owner;
  upstream: Upstream;
  clientWaitMs: number;
  /** An operation ended after its client's patience: nobody reads the reply. */
  onLateEnd(request: Request, reply: Reply): void;
  onLateFailure(request: Request, error: unknown): void;
};

type Operation = {
  request: Request;
  rule: Rule;
  name: Name;
  fingerprint: Token;
  credential: Token;
  isNameCurrent: () => boolean;
  body: Buffer;
};

/** One request, top to bottom (DESIGN, section 3). Resolves to the reply, or says that the request is none of an operation's. */
export async function handle(request: Request, gate: Gate): Promise<Reply | "pass-through"> {
  const { rule } = gate;
  if (!rule.methods.includes(request.method)) return "pass-through";
  const reading = readKey(request.headers, rule.keyHeaders, rule.keyMaxLength);
  if (reading.kind === "refused") return refuse(request, reading);
  if (reading.kind === "absent")
    return rule.requireKey
      ? refuse(request, refusal.keyMissing(request.method, rule.keyHeaders.join(" or ")))
      : "pass-through";

  const read = await request.readBody();
  if (read.kind !== "whole") return refuse(request, refusal.unreadable(read.kind));
  let isRunning = false;
  try {
    const naming = await gate.naming();
    if (naming === "store_lost") return refuse(request, refusal.storeLost());
    const operation = identify(request, rule, reading.key, read.body, naming);
    if ("code" in operation) return refuse(request, operation);
    const claim = await claimOrWait(operation, gate);
    if (claim.kind !== "claimed") return answerRetry(operation, claim);
    isRunning = true;
    return await executed(operation, claim.lease, gate, read.share);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    request.facts.why = error.message;
    return refuse(request, refusal.storeUnavailable());
  } finally {
    if (!isRunning) read.share.giveBack();
  }
}

function identify(
  request: Request,
  rule: Rule,
  key: string,
  body: Buffer,
  { secret, isCurrent }: Naming,
): Operation | Problem {
  const { headers, path, query, method } = request;
  const content = readContent(headers["content-type"]?.[0], headers["content-encoding"]?.[0], body);
  const scope = scopeOf(rule.scope, { headers, path, query, field: (name) => fieldOf(content, name) });
  if (scope.kind === "missing") return { code: "scope-missing", what: scope.what };
  const name = nameOf(secret, scope.scope, key);
  Object.assign(request.facts, { rule: rule.name, name });
  return {
    request,
    rule,
    name,
    body,
    fingerprint: fingerprintOf(secret, rule.fingerprint, { method, path, query, body, content }),
    credential: digest(secret, "credential", credentialOf(headers)),
    isNameCurrent: isCurrent,
  };
}

/** Claims, and where the original still runs asks again for as long as the rule or the client's `Prefer: wait` says. */
async function claimOrWait(operation: Operation, gate: Gate): Promise<Claim> {
  const { request, rule, name, fingerprint, credential, isNameCurrent } = operation;
  const startedAt = performance.now();
  const wished = preferredWaitMs(request.headers["prefer"]) ?? rule.inFlightWaitMs;
  const waitUntil = startedAt + Math.min(wished, gate.clientWaitMs);
  for (let pause = 50; ; pause = Math.min(2 * pause, 500)) {
    const claim = await gate.owner.claim(name, { fingerprint, credential }, isNameCurrent);
    request.facts.storeMs = performance.now() - startedAt;
    const left = waitUntil - performance.now();
    if (claim.kind !== "in_flight" || left <= 0 || request.isGone()) return claim;
    await sleep(Math.min(pause, left));
  }
}

/** The answer to a request whose operation is somebody else's, or over. Changes no record. */
function answerRetry({ request, credential }: Operation, claim: Exclude<Claim, { kind: "claimed" }>): Reply {
  switch (claim.kind) {
    case "in_flight":
      return refuse(request, refusal.inFlight(isoTime(claim.startedAt)));
    case "mismatch":
      return refuse(request, refusal.keyReused(isoTime(claim.startedAt)));
    case "unknown":
      return refuse(request, refusal.stillUnknown(isoTime(claim.record.startedAt), claim.record.reason));
    case "store_lost":
      return refuse(request, refusal.storeLost());
    case "completed":
      if (claim.credential !== credential) return refuse(request, refusal.credentialChanged());
      return replay(request, claim.kept);
  }
}

function replay(request: Request, kept: Kept): Reply {
  switch (kept.kind) {
    case "answer":
      return fromUpstream("replayed", kept, ["Idempotent-Replayed", "true"]);
    case "operator-answer":
      return fromUpstream("replayed", kept, ["Idempotent-Replayed", "true", "Idempotency-Source", "operator"]);
    case "executed":
      return refuse(request, refusal.alreadyCompleted());
    case "head": {
      const reply = refuse(request, refusal.notKept(kept.status, kept.location));
      if (kept.location !== undefined) reply.headers.push("Location", kept.location);
      return reply;
    }
  }
}

/** Executes and settles, whatever becomes of the client; replies within the client's patience. */
async function executed(operation: Operation, lease: Lease, gate: Gate, share: Share): Promise<Reply> {
  const { request } = operation;
  const ending = execute(operation, lease, gate, share).finally(() => {
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
  return refuse(request, refusal.stillRunning(gate.clientWaitMs));
}

async function execute({ request, rule, body }: Operation, lease: Lease, gate: Gate, share: Share): Promise<Reply> {
  const { facts, method, path, query } = request;
  const outgoing = {
    method,
    target: query === "" ? path : `${path}?${query}`,
    headers: request.outgoingHeaders(),
    body,
  };
  const sentAt = performance.now();
  const execution = await gate.upstream.execute(outgoing, { maySend: () => lease.isGood(), share });
  const endedAt = performance.now();
  const reply = await settle(request, rule, execution, lease);
  facts.upstreamMs = endedAt - sentAt;
  facts.storeMs = (facts.storeMs ?? 0) + performance.now() - endedAt;
  return reply;
}

/** Settle, then reply: who has seen the end of an answer can retry at once and gets it again. */
async function settle(request: Request, rule: Rule, execution: Execution, lease: Lease): Promise<Reply> {
  switch (execution.kind) {
    case "answered":
      return settleAnswer(request, rule, execution.answer, keep(execution.answer), lease);
    case "overflowed":
      return settleAnswer(request, rule, execution, keepHead(execution.status, execution.headers), lease);
    case "never-sent":
      request.facts.why = execution.why;
      await lease.release();
      return refuse(request, refusal.neverSent(execution.reason));
    case "lost":
      request.facts.why = execution.why;
      await lease.hold(execution.reason);
      return { ...refuse(request, refusal.becameUnknown(execution.reason)), outcome: "unknown" };
  }
}

async function settleAnswer(
  { facts }: Request,
  rule: Rule,
  answer: UpstreamAnswer,
  kept: Kept,
  lease: Lease,
): Promise<Reply> {
  const reply = (outcome: Outcome, isStored: boolean): Reply => {
    if (isStored) return fromUpstream(outcome, answer, []);
    facts.stored = false;
    return fromUpstream(outcome, answer, ["Idempotency-Stored", "false"]);
  };
  switch (judge(rule, answer.status, answer.headers)) {
    case "store":
      return reply("completed", await lease.complete(kept));
    case "release":
      return reply("released", await lease.release());
    case "unknown":
      return reply("unknown", await lease.hold("unknown-status"));
  }
}

type UpstreamAnswer = { status: number; headers: RawHeaders; body: Reply["body"] };

function fromUpstream(outcome: Outcome, { status, headers, body }: UpstreamAnswer, added: string[]): Reply {
  const passed = endToEnd(headers, status === 204 ? ["content-length"] : []); // a client would wait for that body (RFC 9110, 8.6)
  return { outcome, status, headers: [...passed, "Via", via("1.1"), ...added], body };
}

export function refuse(request: Request, problem: Problem): Reply {
  return { outcome: problem.code, ...problemAnswer(problem, request.id) };
}

const isoTime = (ms: number): string => new Date(ms).toISOString();
