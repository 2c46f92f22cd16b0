import type { Bounds, Protocol } from "./protocol.ts";
import { CLAIM_WITHIN } from "./protocol.ts";
import { changed, sending } from "./state.ts";
import type { Steps, Verb, World } from "./state.ts";

/** What a gateway does by itself. `sent` of an attempt: -1 once its claim went out twice, 1 once its request left. */
export function* gatewayActs(
  protocol: Protocol,
  world: World,
  i: number,
  { renewals, operator, copies }: Bounds,
): Steps {
  const attempt = world.attempts[i]!;
  const { phase, goodUntil } = attempt;
  if (phase === "over") return;
  if (phase === "new") {
    if (world.attempts[i - 1]?.phase === "new") return; // they are equal: the first one is the first
    const begun = { firstSentAt: world.now, deadline: world.now + CLAIM_WITHIN };
    const claiming = changed(world, i, { phase: "claiming", ...begun });
    yield [`${i} claims`, { ...claiming, network: sending(claiming, i, "claim") }];
    return;
  }
  const say = function* (verb: Verb): Steps {
    const network = sending(world, i, verb, verb === "release" ? copies : 1);
    if (network !== world.network) yield [`${i} sends ${verb}`, { ...world, network }];
  };
  switch (phase) {
    case "claiming":
      if (copies > 1 && world.now < attempt.deadline && attempt.sent === 0) {
        const owner = protocol.resendsAs === "same" ? attempt.owner : `${attempt.owner}'`;
        const again = changed(world, i, { sent: -1, owner });
        yield [`${i} claims again`, { ...again, network: sending(again, i, "claim", copies) }];
      }
      yield [`${i} gives its claim up`, changed(world, i, { phase: "withdrawing" })];
      return;
    case "owner":
      if (protocol.maySend(world.now, goodUntil))
        yield [`${i} sends its request`, changed(world, i, { phase: "sent", sent: 1 }, arriving(world, i, operator))];
      yield [`${i} sends nothing`, changed(world, i, { phase: "releasing" })];
      if (renewals) yield* say("renew");
      return;
    case "sent":
      yield [
        `${i} gives its request up`,
        changed(world, i, { phase: protocol.afterSilence === "hold" ? "holding" : "releasing" }),
      ];
      if (renewals) yield* say("renew");
      return;
    case "completing":
      return yield* say("complete");
    case "holding":
      return yield* say("hold");
    case "releasing":
    case "withdrawing":
      return yield* say("release");
  }
}

function arriving({ requests, acts, attempts, now }: World, of: number, actsLate: boolean): Partial<World> {
  const { owner } = attempts[of]!;
  if (actsLate) return { requests: [...requests, { of, owner, at: now, state: "arriving" }] };
  return { acts: [...acts, owner], requests: [...requests, { of, owner, at: now, state: "acted" }] };
}
