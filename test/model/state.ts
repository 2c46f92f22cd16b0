import type { StoredRecord } from "../../src/domain/record.ts";

export type Verb = "claim" | "renew" | "complete" | "release" | "hold";
/** `at`: when it was sent, by which its sender counts. */
export type Message = { of: number; owner: string; verb: Verb; at: number; said: string };
type Phase =
  | "new"
  | "claiming"
  | "owner" // may send
  | "sent" // the request is on its way
  | "completing"
  | "holding"
  | "releasing" // never sent
  | "withdrawing" // gave up on its claim
  | "over";
export type Attempt = {
  phase: Phase;
  owner: string;
  firstSentAt: number;
  deadline: number;
  goodUntil: number;
  sent: number;
};
/** A request at the upstream: acted on or not, answered or not. */
export type Request = { of: number; owner: string; at: number; state: "arriving" | "acted" | "answered" };

export type World = {
  now: number;
  record: StoredRecord | null;
  attempts: Attempt[];
  /** Messages as text, sorted. */
  network: string[];
  requests: Request[];
  /** Owners whose request the upstream acted on, in order. */
  acts: string[];
  /** The operator's first look that found nothing: of whom, when. */
  look: { owner: string; at: number } | null;
  isLost: boolean;
  /** What a settle did to another owner's record. */
  overwritten: string;
};

export type Steps = Generator<[step: string, next: World]>;

export const changed = (world: World, i: number, attempt: Partial<Attempt>, rest: Partial<World> = {}): World => ({
  ...world,
  ...rest,
  attempts: world.attempts.with(i, { ...world.attempts[i]!, ...attempt }),
});

export const inText = ({ of, owner, verb, at, said }: Message): string =>
  `${of} ${owner} ${verb} ${verb === "renew" ? at : 0} ${said}`;

export function fromText(text: string): Message {
  const [of, owner = "", verb, at, said = ""] = text.split(" ");
  return { of: Number(of), owner, verb: verb as Verb, at: Number(at), said };
}

export const sending = ({ attempts, now, network }: World, of: number, verb: Verb, copies = 1): string[] => {
  const { owner } = attempts[of]!;
  const text = inText({ of, owner, verb, at: now, said: "" });
  const underWay = network.filter(
    (other) => other.startsWith(`${of} `) && other.includes(` ${verb} `) && other.endsWith(" "),
  );
  return underWay.length < copies ? [...network, text] : network;
};

/** So that equal records are equal as JSON. */
export const plain = (record: StoredRecord): StoredRecord =>
  record.state === "completed" ? { ...record, answer: [...record.answer] as unknown as Uint8Array } : record;
