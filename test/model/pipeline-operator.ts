import type { StoredRecord } from "../../src/domain/record.ts";
import type { Resolution } from "../../src/domain/settlement.ts";
import { encodeKept } from "../../src/store/codec.ts";
import type { DomainRecords } from "../store/domain-records.ts";
import type { Asked } from "./pipeline-client.ts";

/** What a person says who found that an operation was executed. */
export const OPERATORS_ANSWER = {
  kind: "operator-answer",
  status: 200,
  headers: [],
  body: Buffer.from("found"),
} as const;

/** A record, and the request that claimed it. */
export type Standing = { record: StoredRecord; by: Asked };

/**
 * Ends every unknown by what the API's book has of it, as a person would who looks there. Of what was not sent no quarantine is
 * needed here: the lease is over, and what was sent stands in the book at once. Resolves to how many there were.
 */
export async function resolveAll(standing: Standing[], tooEarly: boolean, records: DomainRecords): Promise<number> {
  const unknown = standing.filter(({ record }) => record.state === "unknown");
  for (const { record, by } of unknown) {
    const { owner } = record;
    const name = by.request.facts.name!;
    const sent = by.sent === undefined ? [] : [by.sent];
    const executed = sent.some(({ hasActed, execution }) => hasActed && !(tooEarly && execution === undefined));
    const resolution: Resolution = executed
      ? { owner, verdict: "executed", answer: encodeKept(OPERATORS_ANSWER), retentionMs: 86_400_000 }
      : { owner, verdict: "not-executed" };
    const { verdict } = resolution;
    await records.resolve(name, resolution, { event: "resolved", name, owner, verdict, by: "a person", why: "seen" });
    if (executed) continue;
    for (const one of sent) {
      one.isUndone = true;
      one.isOverlooked = one.hasActed;
    }
  }
  return unknown.length;
}
