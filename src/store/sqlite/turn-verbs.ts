import type { DatabaseSync } from "node:sqlite";
import type { Name, Token } from "../../domain/record.ts";
import { enter, renewTurn } from "../../domain/turn.ts";
import type { EnterAnswer, Entry } from "../../domain/turn.ts";
import { leaseClock } from "./clock.ts";
import { turnsTable } from "./turns-table.ts";

/** What the thread can be asked about the queues of documents; as in verbs.ts, the domain decides. */
export function turnVerbs(db: DatabaseSync) {
  const table = turnsTable(db);
  return {
    enter: (document: Name, entry: Entry): EnterAnswer => {
      const now = leaseClock();
      const { answer, next } = enter(table.load(document, entry.owner, now), entry, now);
      if (next !== "gone" && "place" in next) table.place(document, next.place);
      else table.dropFromLine(document, entry.owner);
      if (next !== "gone" && "holder" in next) table.hold(document, next.holder);
      return answer;
    },
    renewTurn: (document: Name, owner: Token, leaseMs: number): "renewed" | "lost" => {
      const renewed = renewTurn(table.holder(document), owner, leaseMs, leaseClock());
      if (renewed === "lost") return renewed;
      table.hold(document, renewed);
      return "renewed";
    },
    leave: (document: Name, owner: Token): { next: Token | undefined; at: number } => {
      const at = leaseClock();
      return { next: table.leave(document, owner, at), at };
    },
  };
}
