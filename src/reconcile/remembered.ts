import { answerJson } from "../answer-json.ts";
import type { Name } from "../domain/record.ts";
import type { Remembered } from "../domain/reconciliation.ts";
import type { Kept } from "../domain/replay.ts";
import type { Shown } from "../store/operator.ts";

/** What is asked of the store at one time. */
const AT_ONCE = 16;

type Sources = {
  names: () => Promise<Name[]>;
  show: (name: Name) => Promise<Shown | undefined>;
};

/** Every operation that has ended, or nobody knows how, and began at `since` or later; `isMeant`: which of them are looked at. */
export async function remembered(
  { names, show }: Sources,
  since: number,
  isMeant: (name: Name) => boolean,
): Promise<Remembered[]> {
  const meant = (await names()).filter(isMeant);
  const found: Remembered[] = [];
  for (let i = 0; i < meant.length; i += AT_ONCE) {
    const some = meant.slice(i, i + AT_ONCE);
    const records = await Promise.all(some.map(async (name) => ({ name, record: await show(name) })));
    for (const { name, record } of records)
      if (record !== undefined && record.startedAt >= since) found.push(...rememberedOf(name, record));
  }
  return found.toSorted((one, other) => one.startedAt - other.startedAt);
}

/** What still runs, or waits, will be answered: nothing is said of it. */
function rememberedOf(name: Name, record: Shown): Remembered[] {
  const { startedAt } = record;
  switch (record.state) {
    case "unknown":
      return [{ name, startedAt, state: "unknown", reason: record.reason }];
    case "completed":
      return [{ name, startedAt, state: "completed", ...answerOf(record.kept) }];
    case "claimed":
    case "executing":
      return [];
  }
}

/** Resolved as executed without an answer counts as made. */
function answerOf(kept: Kept): { status: number; answer: unknown } {
  switch (kept.kind) {
    case "answer":
    case "operator-answer":
    case "probe-answer":
      return { status: kept.status, answer: answerJson(kept) };
    case "head":
      return { status: kept.status, answer: undefined };
    case "executed":
      return { status: 200, answer: undefined };
  }
}
