import { leaseIsGood } from "../../src/domain/record.ts";
import { begin, complete, release } from "../../src/domain/settlement.ts";
import { ALIVE, LEASE, PATIENCE } from "./queue-protocol.ts";
import type { Protocol } from "./queue-protocol.ts";
import { indexOf, ownerOf } from "./queue-state.ts";
import type { Message, World } from "./queue-state.ts";
import { plain } from "./state.ts";

export type Answered = { said: string; next: World };

/** What the store does with a message that arrives now: the domain's own functions. */
export function atStore(protocol: Protocol, world: World, message: Message): Answered {
  const { of, verb, about } = message;
  const owner = ownerOf(of);
  const now = { lease: world.now, wall: 0 };
  const onRecord = (i: number, { answer, next }: { answer: string; next?: object | "absent" }): Answered => {
    const record = next === undefined ? world.records[i]! : next === "absent" ? null : plain(next as never);
    return { said: answer, next: { ...world, records: world.records.with(i, record) } };
  };
  const recordOf = (i: number) => world.records[i] ?? undefined;
  switch (verb) {
    case "enter":
      return entered(protocol, world, message);
    case "renew": {
      const renewed = protocol.renew(world.holder ?? undefined, owner, LEASE, world.now);
      return renewed === "lost"
        ? { said: "lost", next: world }
        : { said: "renewed", next: { ...world, holder: renewed } };
    }
    case "leave": {
      const holder = world.holder?.owner === owner ? null : world.holder;
      const line = world.line.filter((place) => place.owner !== owner);
      return { said: String(world.now), next: { ...world, holder, line } };
    }
    case "revoke":
      return onRecord(indexOf(about), protocol.revoke(recordOf(indexOf(about)), about, now));
    case "begin":
      return onRecord(of, begin(recordOf(of), owner, LEASE, now));
    case "settle": {
      if (!world.operations[of]!.wasSent) return onRecord(of, release(recordOf(of), owner));
      const identity = { owner, fingerprint: "f", credential: "c" };
      return onRecord(
        of,
        complete(recordOf(of), { ...identity, startedAt: 0, answer: Buffer.alloc(0), retentionMs: 0 }, now),
      );
    }
  }
}

function entered(protocol: Protocol, world: World, { of, about }: Message): Answered {
  const owner = ownerOf(of);
  const { now } = world;
  const isAlive = (place: World["line"][number]): boolean => place.owner === owner || leaseIsGood(place, now);
  const firstAlive = world.line.findIndex(isAlive);
  const line = firstAlive === -1 ? [] : world.line.slice(firstAlive);
  const others = line.filter((place) => place.owner !== owner);
  const { answer, next } = protocol.enter(
    {
      holder: world.holder ?? undefined,
      own: line.find((place) => place.owner === owner),
      firstOther: others.find(isAlive)?.ticket,
      isDeleteWaiting: false,
      lastTicket: line.at(-1)?.ticket ?? 0,
    },
    {
      owner,
      name: owner,
      isDelete: false,
      leaseMs: LEASE,
      aliveMs: ALIVE,
      deadline: world.operations[of]!.deadline,
      waitMs: PATIENCE,
      after: about === "" ? undefined : about,
    },
    now,
  );
  const said = answer.kind === "lapsed" ? `lapsed ${answer.holder.owner}` : answer.kind;
  if (next === "gone") return { said, next: { ...world, line: others } };
  if ("place" in next)
    return {
      said,
      next: { ...world, line: [...others, next.place].toSorted((one, other) => one.ticket - other.ticket) },
    };
  return { said, next: taken({ ...world, line: others }, next.holder) };
}

function taken(world: World, holder: NonNullable<World["holder"]>): World {
  const before = world.holder;
  if (before?.owner === holder.owner) return { ...world, holder };
  const operations = world.operations.map((operation, i) =>
    before?.owner === ownerOf(i) ? { ...operation, isSuperseded: true } : operation,
  );
  return { ...world, holder, operations };
}
