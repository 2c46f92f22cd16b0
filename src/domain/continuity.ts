/**
 * Whether a store still has what it acknowledged (DESIGN, sections 4 and 10, Continuity). It is kept in partitions, which can be
 * lost one by one: each has a mark, the same in all of them, and counts the claims of every process that claims in it.
 */
export type Mark = {
  /** Of the store, random, made with it. */
  id: string;
  /** 0 while the store is made, 1 when every partition has a mark; raised by each loss that was accepted. */
  generation: number;
  /** Data was lost, and nobody has said yet that operations may go on: nothing new may be started. */
  isFlagged: boolean;
};

/** As it is stored, and compared as a whole. */
export type MarkText = string;
/** No mark: nothing was ever written there, or everything is gone. */
export const ABSENT: MarkText = "";
/** Stands nowhere: for a claim that may start nothing. */
export const NO_MARK: MarkText = "-";

const MARK = /^(!?)([\w-]{1,64}):(\d{1,15})$/;
export const STORE_ID = /^[\w-]{1,64}$/;

export function markText({ id, generation, isFlagged }: Mark): MarkText {
  return `${isFlagged ? "!" : ""}${id}:${generation}`;
}

/** Undefined for what is no mark, absent ones included. */
export function readMark(text: MarkText): Mark | undefined {
  const [, flag, id, generation] = MARK.exec(text) ?? [];
  return id === undefined ? undefined : { id, generation: Number(generation), isFlagged: flag === "!" };
}

/** What a process remembers of a partition: the mark under which it works, and its last claim there that was acknowledged. */
export type Remembered = { mark: MarkText; count: number };
/** What stands in a partition: its mark, and how many claims it has of this process. */
export type Found = { mark: MarkText; count: number };

/** The rule of every claim that starts something, and of every look (lua/continuity.lua has it, too). */
export function isContinued(remembered: Remembered, found: Found): boolean {
  return found.mark === remembered.mark && found.count >= remembered.count;
}

/** What one partition's mark is to become, where `from` still stands there. */
export type Step = { partition: number; from: MarkText; to: MarkText };

export type Judgement =
  /** Everything is there: this is the mark to work under, the one of before or one that was accepted meanwhile. */
  | { kind: "whole"; mark: MarkText }
  /** New, or a process is in the middle of making it: to be completed, and then looked at again. */
  | { kind: "unfinished"; steps: Step[] }
  /** Not the store that this process is told to use. Others may be right to use it: nothing is written there. */
  | { kind: "foreign"; id: string }
  | { kind: "lost"; why: string; isFlagged: boolean };

/**
 * `remembered`: nothing yet in a fresh process. `pinned`: the id that the store must have, where one is configured.
 * `newId`: for a store that nobody has made yet. A look at many partitions is no snapshot: `lost` without a flag counts when the
 * next look finds the same.
 */
export function judge(
  found: readonly Found[],
  remembered: readonly Remembered[] | undefined,
  { pinned, newId }: { pinned: string | undefined; newId: string },
): Judgement {
  const marks = found.map(({ mark }) => readMark(mark));
  const present = marks.filter((mark) => mark !== undefined);
  const [first] = present;
  const isAtHome = remembered !== undefined && readMark(remembered[0]!.mark)?.id === pinned;
  if (first !== undefined && pinned !== undefined && first.id !== pinned && !isAtHome)
    return { kind: "foreign", id: first.id };
  if (present.some(({ isFlagged }) => isFlagged))
    return { kind: "lost", why: "another gateway found that it lost data", isFlagged: true };
  if (remembered !== undefined) return judgeAgain(found, marks, remembered);

  if (first === undefined) {
    if (pinned !== undefined) return lost("it is empty, and ONCEGATE_STORE_ID names one that was in use");
    // One partition decides which of several processes makes it.
    return { kind: "unfinished", steps: [stepTo({ id: newId, generation: 0, isFlagged: false }, found, 0)] };
  }
  const { id } = first;
  const isSame = present.every((mark) => mark.id === id);
  const newest = Math.max(...present.map(({ generation }) => generation));
  if (isSame && present.length === marks.length && isUniform(found) && newest > 0)
    return { kind: "whole", mark: found[0]!.mark };
  // Only when every partition has the mark of generation 0 the first one is raised to 1.
  const to = present.length < marks.length ? 0 : 1;
  if (isSame && newest <= to) {
    const mark = { id, generation: to, isFlagged: false };
    const behind = found.flatMap((_, i) => ((marks[i]?.generation ?? -1) < to ? [i] : []));
    return { kind: "unfinished", steps: behind.map((i) => stepTo(mark, found, i)) };
  }
  return lost("parts of it are missing or older than others");
}

function judgeAgain(
  found: readonly Found[],
  marks: readonly (Mark | undefined)[],
  remembered: readonly Remembered[],
): Judgement {
  if (found.every((one, i) => isContinued(remembered[i]!, one))) return { kind: "whole", mark: found[0]!.mark };
  const [known, now] = [readMark(remembered[0]!.mark), marks[0]];
  if (isUniform(found) && now !== undefined && now.id === known?.id && now.generation > known.generation)
    return { kind: "whole", mark: found[0]!.mark };
  if (marks.every((mark) => mark === undefined)) return lost("it is empty");
  if (marks.some((mark) => mark === undefined)) return lost("parts of it are empty");
  if (marks.some((mark) => mark?.id !== known?.id)) return lost("it is another store than before");
  if (!isUniform(found) || found[0]!.mark !== remembered[0]!.mark) return lost("it is an older state of the store");
  return lost("it does not have the last claims that it acknowledged");
}

/**
 * How everybody is stopped: the flagged mark, and the partitions that do not have it yet. Where a flag stands already, marks of a
 * later generation are left alone: there the loss is just being accepted. `known`: the mark that is remembered, or pinned.
 */
export function raising(found: readonly Found[], known: Mark | undefined): { flag: Mark; steps: Step[] } {
  const marks = found.map(({ mark }) => readMark(mark));
  const present = marks.filter((mark) => mark !== undefined);
  const flagged = present.filter(({ isFlagged }) => isFlagged);
  const own = present.filter(({ id }) => id === known?.id);
  const isOurs = known !== undefined && (own.length > 0 || present.length === 0);
  const basis = flagged.length > 0 ? flagged : isOurs ? [known, ...own] : present;
  // Whoever raises it, and whatever else is there: the same id for all.
  const [id] = basis.map((mark) => mark.id).toSorted();
  if (id === undefined) throw new Error("a store that nobody knows cannot have lost anything");
  const generations = basis.filter((mark) => mark.id === id).map(({ generation }) => generation);
  const flag: Mark = { id, generation: Math.max(...generations), isFlagged: true };
  const steps = found.flatMap((_, i) => {
    const mark = marks[i];
    const isBehind = mark?.id !== id || mark.generation < flag.generation;
    const isUnflagged = mark?.generation === flag.generation && !mark.isFlagged;
    return isBehind || isUnflagged ? [stepTo(flag, found, i)] : [];
  });
  return { flag, steps };
}

/** How a loss is accepted, where every partition has the flag, or the next mark already. */
export function accepting(found: readonly Found[], flag: Mark): Step[] {
  const to = { ...flag, generation: flag.generation + 1, isFlagged: false };
  return found.flatMap(({ mark }, i) => (mark === markText(flag) ? [stepTo(to, found, i)] : []));
}

function lost(why: string): Judgement {
  return { kind: "lost", why, isFlagged: false };
}

function isUniform(found: readonly Found[]): boolean {
  return found.every(({ mark }) => mark === found[0]?.mark);
}

function stepTo(mark: Mark, found: readonly Found[], partition: number): Step {
  return { partition, from: found[partition]!.mark, to: markText(mark) };
}
