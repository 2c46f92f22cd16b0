import type { StoredRecord } from "../../src/domain/record.ts";
import type { Holder, Place } from "../../src/domain/turn.ts";

export type Verb = "enter" | "revoke" | "begin" | "renew" | "settle" | "leave";

/** `at`: when it was sent, by which its sender counts. `about`: the holder that is spoken of. `said`: the answer on its way back. */
export type Message = { of: number; verb: Verb; at: number; about: string; said: string };

type Phase =
  | "new"
  | "waiting"
  | "holding" // heard that it is its turn, and asks to begin
  | "begun"
  | "sent" // its request is on its way
  | "settling"
  | "leaving"
  | "over";

export type Operation = {
  phase: Phase;
  deadline: number;
  /** On its own clock: how long its turn and its record's lease are good. */
  turnUntil: number;
  recordUntil: number;
  /** Whose turn is over, as it heard; and whom it has revoked since. */
  heard: string;
  after: string;
  wasSent: boolean;
  /** The upstream has answered, or will not act on it any more. */
  hasEnded: boolean;
  /** Another one took its turn. */
  isSuperseded: boolean;
};

export type World = {
  now: number;
  operations: Operation[];
  records: (StoredRecord | null)[];
  holder: Holder | null;
  line: Place[];
  /** Messages as text, sorted. */
  network: string[];
  wrong: string;
};

export type Steps = Generator<[step: string, next: World]>;

export const ownerOf = (i: number): string => `owner-${i}`;
export const indexOf = (owner: string): number => Number(owner.slice("owner-".length));

export const changed = (world: World, i: number, operation: Partial<Operation>, rest: Partial<World> = {}): World => ({
  ...world,
  ...rest,
  operations: world.operations.with(i, { ...world.operations[i]!, ...operation }),
});

export const inText = ({ of, verb, at, about, said }: Message): string => [of, verb, at, about, said].join("|");

export function fromText(text: string): Message {
  const [of, verb, at, about = "", said = ""] = text.split("|");
  return { of: Number(of), verb: verb as Verb, at: Number(at), about, said };
}

/** At most `copies` of what one operation says so are on their way at once. */
export function sending(world: World, of: number, verb: Verb, about = "", copies = 1): World {
  const underWay = world.network.map(fromText).filter((one) => one.of === of && one.verb === verb && one.said === "");
  if (underWay.length >= copies) return world;
  return { ...world, network: [...world.network, inText({ of, verb, at: world.now, about, said: "" })] };
}
