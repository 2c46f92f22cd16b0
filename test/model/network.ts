import type { Attempt as Claim } from "../../src/domain/claim.ts";
import { LEASE } from "./protocol.ts";
import type { Protocol } from "./protocol.ts";
import { changed, fromText, inText, plain } from "./state.ts";
import type { Message, Steps, World } from "./state.ts";

/**
 * A message reaches the store, and its answer the sender or not. One that is never delivered is lost, just as a gateway that does
 * nothing any more is dead. A claim's answer may come later: its sender goes on meanwhile.
 */
export function* deliver(protocol: Protocol, world: World, i: number): Steps {
  const message = fromText(world.network[i]!);
  const without = { ...world, network: world.network.toSpliced(i, 1) };
  const { of, verb, said } = message;
  if (said !== "") return yield [`${of} hears: ${said}`, heard(protocol, without, message, said)];
  const { step, answer, next } = atStore(protocol, without, message);
  if (verb === "claim")
    return yield [step, { ...next, network: [...next.network, inText({ ...message, said: answer })] }];
  yield [`${step}, unheard`, next];
  yield [step, heard(protocol, next, message, answer)];
}

function atStore(protocol: Protocol, world: World, message: Message): { step: string; answer: string; next: World } {
  const { of, owner, verb } = message;
  const now = { lease: world.now, wall: world.now };
  const stored = world.record ?? undefined;
  const attempt: Claim = {
    owner,
    fingerprint: "f",
    credential: "c",
    into: "executing",
    leaseMs: LEASE,
    deadline: world.attempts[of]!.deadline,
    keepMs: 0,
  };
  const completion = { ...attempt, startedAt: 0, answer: Buffer.from(owner), retentionMs: 0 };
  const decided = {
    claim: () => {
      const { answer, next } = protocol.claim(stored, attempt, now);
      return { answer: answer.kind, next };
    },
    renew: () => protocol.renew(stored, owner, LEASE, now),
    complete: () => protocol.complete(stored, completion, now),
    release: () => protocol.release(stored, owner),
    hold: () => protocol.hold(stored, owner, "upstream-silent", now),
  }[verb]();
  const record = decided.next === undefined ? world.record : decided.next === "absent" ? null : plain(decided.next);
  const isOthers = verb !== "claim" && stored !== undefined && stored.owner !== owner && decided.next !== undefined;
  const overwritten = isOthers ? `${verb} of ${of} changed another owner's record` : "";
  const answer = verb === "release" ? String(world.now) : decided.answer;
  return { step: `${verb} of ${of} at the store: ${decided.answer}`, answer, next: { ...world, record, overwritten } };
}

function heard(protocol: Protocol, world: World, { of, owner, verb, at }: Message, said: string): World {
  const attempt = world.attempts[of]!;
  const { phase } = attempt;
  if (owner !== attempt.owner) return world;
  switch (verb) {
    case "claim":
      if (phase !== "claiming") return world;
      if (said === "claimed" || said === "yours")
        return changed(world, of, { phase: "owner", goodUntil: attempt.firstSentAt + LEASE });
      return changed(world, of, { phase: attempt.sent < 0 ? "withdrawing" : "over" });
    case "renew":
      if (said === "renewed" && (phase === "owner" || phase === "sent"))
        return changed(world, of, { goodUntil: Math.max(attempt.goodUntil, at + LEASE) });
      return world;
    case "complete":
      return phase === "completing" ? changed(world, of, { phase: "over" }) : world;
    case "hold":
      return phase === "holding" ? changed(world, of, { phase: "over" }) : world;
    case "release":
      if (phase !== "releasing" && phase !== "withdrawing") return world;
      return Number(said) > protocol.withdrawnAt(attempt.deadline) - 1 ? changed(world, of, { phase: "over" }) : world;
  }
}
