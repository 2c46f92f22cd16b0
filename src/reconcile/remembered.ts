import { answerJson } from "../answer-json.ts";
import type { Name, StoredRecord } from "../domain/record.ts";
import type { Remembered } from "../domain/reconciliation.ts";
import type { Kept } from "../domain/replay.ts";
import { openKept } from "../store/codec.ts";
import type { Keyring } from "../store/keyring.ts";
import type { Records } from "../store/records.ts";

/** What is asked of the store at one time. */
const AT_ONCE = 16;

type Sources = { records: Pick<Records, "names" | "read">; keyring: Keyring };

/** Every operation that has ended, or nobody knows how, and began at `since` or later; `isMeant`: which of them are looked at. */
export async function remembered(
  { records, keyring }: Sources,
  since: number,
  isMeant: (name: Name) => boolean,
): Promise<Remembered[]> {
  const meant = (await records.names()).filter(isMeant);
  const found: Remembered[] = [];
  for (let i = 0; i < meant.length; i += AT_ONCE) {
    const some = meant.slice(i, i + AT_ONCE);
    const read = await Promise.all(some.map(async (name) => ({ name, record: await records.read(name) })));
    for (const { name, record } of read)
      if (record !== undefined && record.startedAt >= since) found.push(...rememberedOf(name, record, keyring));
  }
  return found.toSorted((one, other) => one.startedAt - other.startedAt);
}

/** What still runs, or waits, will be answered: nothing is said of it. */
function rememberedOf(name: Name, record: StoredRecord, keyring: Keyring): Remembered[] {
  const { startedAt } = record;
  switch (record.state) {
    case "unknown":
      return [{ name, startedAt, state: "unknown", reason: record.reason }];
    case "completed":
      return [{ name, startedAt, state: "completed", ...answerOf(openKept(keyring, name, record)) }];
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
