import { asRead } from "../../src/domain/record.ts";
import { QUARANTINE, UPSTREAM_ACTS_WITHIN } from "./protocol.ts";
import type { Protocol } from "./protocol.ts";
import { changed, plain, sending } from "./state.ts";
import type { Request, Steps, World } from "./state.ts";

export function* upstreamActs(world: World, i: number): Steps {
  const request = world.requests[i]!;
  const { of, owner, state, at } = request;
  const put = (next: Request["state"], rest: Partial<World> = {}): World => ({
    ...world,
    ...rest,
    requests: world.requests.with(i, { ...request, state: next }),
  });
  if (state === "arriving" && world.now <= at + UPSTREAM_ACTS_WITHIN)
    yield [`the upstream acts on ${of}'s request`, put("acted", { acts: [...world.acts, owner] })];
  if (state === "acted" && world.attempts[of]!.phase === "sent") {
    const completing = changed(put("answered"), of, { phase: "completing" });
    yield [`${of} has the whole answer`, { ...completing, network: sending(completing, of, "complete") }];
  }
}

/** Somebody looks in the API. */
export function* operatorActs(protocol: Protocol, world: World): Steps {
  const now = { lease: world.now, wall: world.now };
  const read = asRead(world.record ?? undefined, now);
  if (read?.state !== "unknown") return;
  const { owner } = read;
  if (world.acts.length > 0) {
    const answer = Buffer.from(world.acts[0]!);
    const { next } = protocol.resolve(read, { owner, verdict: "executed", answer, retentionMs: 0 }, now);
    if (next !== undefined && next !== "absent")
      yield ["the operator finds it executed", { ...world, record: plain(next) }];
    return;
  }
  const isSecond = world.look?.owner === owner && world.now >= world.look.at + QUARANTINE;
  if (protocol.looks === 1 || isSecond) {
    const { next } = protocol.resolve(read, { owner, verdict: "not-executed" }, now);
    if (next === "absent") yield ["the operator frees the key", { ...world, record: null, look: null }];
  } else if (world.look?.owner !== owner)
    yield ["the operator finds nothing", { ...world, look: { owner, at: world.now } }];
}
