import { asRead } from "../../src/domain/record.ts";
import { LEASE, PATIENCE, TICK } from "./queue-protocol.ts";
import type { Bounds, Protocol } from "./queue-protocol.ts";
import { changed, fromText, inText, ownerOf, sending } from "./queue-state.ts";
import type { Message, Operation, Steps, Verb, World } from "./queue-state.ts";
import { atStore } from "./queue-store.ts";
import type { Model } from "./search.ts";

/**
 * The queue of one document (DESIGN, section 10) as a world that can be searched: operations of several gateways, each with a record
 * of its own in another place than the turn; a network that loses, delays and repeats; gateways that die or stand still, which is to
 * take no step any more. The store's side is not a model: it is the domain's own functions.
 */
export function queueModel(protocol: Protocol, bounds: Bounds): Model<World> {
  function* everyStep(world: World): Steps {
    if (world.now < bounds.ticks * TICK) yield ["a tick passes", { ...world, now: world.now + TICK }];
    for (const [i] of world.network.entries()) yield* deliver(protocol, world, i);
    for (const [i] of world.operations.entries()) yield* gatewayActs(protocol, world, i, bounds);
  }
  return {
    initial: {
      now: TICK,
      operations: Array.from({ length: bounds.operations }, () => NEW),
      records: Array.from({ length: bounds.operations }, () => null),
      holder: null,
      line: [],
      network: [],
      wrong: "",
    },
    *steps(world) {
      for (const [step, next] of everyStep(world)) yield [step, normal(next)];
    },
    violation({ wrong, operations, holder, line }) {
      if (wrong !== "") return wrong;
      const left = operations.findIndex(
        ({ phase }, i) =>
          phase === "over" && (holder?.owner === ownerOf(i) || line.some(({ owner }) => owner === ownerOf(i))),
      );
      return left === -1 ? undefined : `${left} is over, and still in the queue`;
    },
  };
}

const NEW: Operation = {
  phase: "new",
  deadline: 0,
  turnUntil: 0,
  recordUntil: 0,
  heard: "",
  after: "",
  wasSent: false,
  hasEnded: false,
  isSuperseded: false,
};

/** What another order or a delay could change nothing of reaches the store at once; its answer is heard, or not. */
function* atOnce(protocol: Protocol, world: World, of: number, verb: Verb, about = ""): Steps {
  const message: Message = { of, verb, at: world.now, about, said: "" };
  const { said, next } = atStore(protocol, world, message);
  const step = `${verb} ${about} of ${of} at the store: ${said}`;
  yield [`${step}, unheard`, next];
  yield [step, heard(protocol, next, message, said)];
}

/** A message reaches the store, and its answer the sender or not; of what makes an owner, also later. */
function* deliver(protocol: Protocol, world: World, i: number): Steps {
  const message = fromText(world.network[i]!);
  const without = { ...world, network: world.network.toSpliced(i, 1) };
  const { of, verb, said } = message;
  if (said !== "") return yield [`${of} hears of its ${verb}: ${said}`, heard(protocol, without, message, said)];
  const { said: answer, next } = atStore(protocol, without, message);
  const step = `${verb} of ${of} at the store: ${answer}`;
  if (answer === "held" || answer === "begun")
    return yield [step, { ...next, network: [...next.network, inText({ ...message, said: answer })] }];
  yield [`${step}, unheard`, next];
  yield [step, heard(protocol, next, message, answer)];
}

function heard(protocol: Protocol, world: World, { of, verb, at, about }: Message, said: string): World {
  const { phase, deadline, turnUntil, recordUntil } = world.operations[of]!;
  const until = protocol.countsFrom(at, world.now) + LEASE;
  switch (verb) {
    case "enter":
      if (phase !== "waiting") return world;
      if (said === "held") return changed(world, of, { phase: "holding", turnUntil: until });
      if (said.startsWith("lapsed ")) return changed(world, of, { heard: said.slice("lapsed ".length) });
      return said === "too_late" ? changed(world, of, { phase: "settling" }) : world;
    case "revoke":
      return phase === "waiting" ? changed(world, of, { after: about }) : world;
    case "begin":
      if (phase !== "holding") return world;
      return said === "begun"
        ? changed(world, of, { phase: "begun", recordUntil: Math.max(recordUntil, until) })
        : changed(world, of, { phase: "settling" });
    case "renew":
      return said === "renewed" && protocol.mayCarryOn(world.now, turnUntil)
        ? changed(world, of, { turnUntil: Math.max(turnUntil, until) })
        : world;
    case "settle":
      return phase === "settling" ? changed(world, of, { phase: "leaving" }) : world;
    case "leave":
      return phase === "leaving" && Number(said) >= protocol.leftAt(deadline)
        ? changed(world, of, { phase: "over" })
        : world;
  }
}

function* gatewayActs(protocol: Protocol, world: World, i: number, { renewals, copies }: Bounds): Steps {
  const { phase, turnUntil, recordUntil, heard: lapsed, after } = world.operations[i]!;
  const says = function* (next: World, step: string): Steps {
    if (next !== world) yield [`${i} ${step}`, next];
  };
  const givesUp: Steps = says(changed(world, i, { phase: "settling" }), "gives up");
  switch (phase) {
    case "new": {
      if (world.operations[i - 1]?.phase === "new") return; // they are equal: the first one is the first
      const { now } = world;
      const lease = { leaseUntil: now + LEASE, leaseMs: LEASE };
      const identity = { owner: ownerOf(i), fingerprint: "f", credential: "c", startedAt: 0 };
      const records = world.records.with(i, { state: "claimed", ...identity, ...lease });
      const begun = changed(
        world,
        i,
        { phase: "waiting", deadline: now + PATIENCE, recordUntil: now + LEASE },
        { records },
      );
      return yield [`${i} claims and enters`, sending(begun, i, "enter")];
    }
    case "waiting":
      yield* says(sending(world, i, "enter", after, copies), "asks again");
      if (lapsed !== "" && lapsed !== after) yield* atOnce(protocol, world, i, "revoke", lapsed);
      return yield* givesUp;
    case "holding":
      return yield* says(sending(world, i, "begin", "", copies), "begins");
    case "begun":
      if (protocol.maySend(world.now, turnUntil, recordUntil)) yield [`${i} sends its request`, sent(world, i)];
      if (renewals) yield* atOnce(protocol, world, i, "renew");
      return yield* givesUp;
    case "sent":
      yield [`${i} has its answer`, changed(world, i, { phase: "settling", hasEnded: true })];
      if (renewals) yield* atOnce(protocol, world, i, "renew");
      return;
    case "settling":
      return yield* atOnce(protocol, world, i, "settle");
    case "leaving":
      return yield* atOnce(protocol, world, i, "leave");
    case "over":
      return;
  }
}

function sent(world: World, i: number): World {
  const now = { lease: world.now, wall: 0 };
  const other = world.operations.findIndex(({ wasSent, hasEnded }, j) => {
    const state = asRead(world.records[j] ?? undefined, now)?.state;
    return j !== i && wasSent && !hasEnded && state !== "unknown";
  });
  const wrong = [
    ...(other === -1 ? [] : [`${i} is sent while ${other} runs`]),
    ...(world.operations[i]!.isSuperseded ? [`${i} is sent though its turn was taken`] : []),
  ].join(", ");
  return changed(world, i, { phase: "sent", wasSent: true }, { wrong });
}

/**
 * States that differ in nothing that matters become one: what nobody waits for any more, the order in the network, how long ago
 * something was over.
 */
function normal(world: World): World {
  const { now, holder } = world;
  const matters = (text: string): boolean => {
    const { of, verb, said } = fromText(text);
    const { phase, deadline } = world.operations[of]!;
    if (said !== "") return phase === (verb === "enter" ? "waiting" : "holding");
    switch (verb) {
      case "enter":
        return now < deadline || holder?.owner === ownerOf(of) || world.line.some(({ owner }) => owner === ownerOf(of));
      case "begin":
        return phase !== "over";
      case "revoke":
      case "renew":
      case "settle":
      case "leave":
        return false; // at once, above
    }
  };
  const ahead = (time: number): number => (time > now ? time : 0);
  const rank = (ticket: number): number => world.line.filter((place) => place.ticket <= ticket).length;
  const operations = world.operations.map((operation) => {
    const { phase, turnUntil, recordUntil, deadline } = operation;
    const isHeld = phase === "holding" || phase === "begun";
    return {
      ...operation,
      ...(phase === "waiting" ? {} : { heard: "", after: "" }),
      turnUntil: isHeld ? ahead(turnUntil) : 0,
      recordUntil: isHeld ? ahead(recordUntil) : 0,
      deadline: ahead(deadline),
    };
  });
  return {
    ...world,
    operations,
    holder: holder && { ...holder, leaseUntil: ahead(holder.leaseUntil) },
    line: world.line.map((place) => ({ ...place, ticket: rank(place.ticket), leaseUntil: ahead(place.leaseUntil) })),
    records: world.records.map((record) =>
      record !== null && "leaseUntil" in record ? { ...record, leaseUntil: ahead(record.leaseUntil) } : record,
    ),
    network: [...new Set(world.network.filter(matters))].toSorted(),
  };
}
