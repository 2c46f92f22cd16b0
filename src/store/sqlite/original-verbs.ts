import type { DatabaseSync } from "node:sqlite";
import { isContinued } from "../../domain/continuity.ts";
import { stand } from "../../domain/original.ts";
import type { Candidacy, Original, StandAnswer } from "../../domain/original.ts";
import type { Name } from "../../domain/record.ts";
import { now } from "./clock.ts";
import { marksTable } from "./marks-table.ts";
import { text } from "./row.ts";
import type { Started, Witness } from "./verbs.ts";

/** What the thread can be asked about originals; as in verbs.ts, the domain decides. */
export function originalVerbs(db: DatabaseSync) {
  const marks = marksTable(db);
  const select = db.prepare("SELECT name, owner FROM original WHERE likeness = ? AND expires > ?");
  const upsert = db.prepare(`
    INSERT INTO original (likeness, name, owner, expires) VALUES (:likeness, :name, :owner, :expires)
    ON CONFLICT (likeness) DO UPDATE SET name = excluded.name, owner = excluded.owner, expires = excluded.expires`);
  const expire = db.prepare(
    "UPDATE original SET expires = :expires WHERE likeness = :likeness AND name = :name AND owner = :owner AND expires > :now",
  );

  const load = (likeness: Name, at: number): Original | undefined => {
    const row = select.get(likeness, at);
    return row && { name: text(row, "name"), owner: text(row, "owner") };
  };
  return {
    stand(
      likeness: Name,
      candidacy: Candidacy,
      keepMs: number,
      witness: Witness,
    ): Started<StandAnswer | { kind: "store_lost" }> {
      const { wall } = now();
      const found = marks.read(witness.process);
      const answer = stand(load(likeness, wall), candidacy);
      if (answer.kind === "taken") return { answer, count: found.count };
      if (!isContinued(witness, found)) return { answer: { kind: "store_lost" }, count: found.count };
      upsert.run({ likeness, ...candidacy.own, expires: wall + keepMs });
      marks.countOne(witness.process, wall);
      return { answer, count: found.count + 1 };
    },
    keep(likeness: Name, { name, owner }: Original, keepMs: number): void {
      const { wall } = now();
      expire.run({ likeness, name, owner, expires: wall + keepMs, now: wall });
    },
  };
}
