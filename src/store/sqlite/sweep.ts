import type { DatabaseSync } from "node:sqlite";
import { FORGOTTEN_MS } from "../turns.ts";
import { leaseClock } from "./clock.ts";
import { journalTable } from "./journal-table.ts";
import { unknownOf } from "./records-table.ts";
import { isBusy } from "./trouble.ts";

/** One go, between two batches, ends at whichever comes first: many small rows, or few with answers of megabytes. */
const ROWS_A_GO = 200;
const MS_A_GO = 20;
/** 1 MB at the default page size. */
const PAGES_A_GO = 256;
/** Time for claims between two goes; and for another process to end what it holds the lock for, so that a busy file is swept too. */
const PAUSE_MS = { between: 1, busy: 25 };

/**
 * Removes expired rows and gives their space back to the disk, in goes short enough for a claim to wait for. An expired answer is
 * absent already; an unknown is noted in the journal and is absent from then on. Begins at once, since nobody knows how long this
 * process will live. Returns what stops it.
 */
export function sweepEvery(everyMs: number, db: DatabaseSync): () => void {
  const removeOne = db.prepare(
    "DELETE FROM record WHERE rowid = (SELECT rowid FROM record WHERE expires <= ? ORDER BY expires LIMIT 1) RETURNING *",
  );
  const removeWaiters = db.prepare("DELETE FROM waiter WHERE lease_until <= :now OR lease_until > :now + lease_ms");
  const removeTurns = db.prepare(
    "DELETE FROM turn WHERE lease_until <= :now - :forgotten OR lease_until > :now + lease_ms",
  );
  const removeOriginals = db.prepare(
    "DELETE FROM original WHERE rowid IN (SELECT rowid FROM original WHERE expires <= ? ORDER BY expires LIMIT ?)",
  );
  const journal = journalTable(db);
  const freePages = db.prepare("PRAGMA freelist_count");
  const busyTimeout = db.prepare("PRAGMA busy_timeout").get()?.["timeout"];
  let next: NodeJS.Timeout | undefined;

  function removeSome(): "more" | "done" {
    const until = leaseClock() + MS_A_GO;
    db.exec("BEGIN IMMEDIATE");
    let removed = 0;
    while (removed < ROWS_A_GO && leaseClock() < until) {
      const at = Date.now();
      const row = removeOne.get(at);
      if (row === undefined) break;
      removed++;
      const gone = unknownOf(row);
      if (gone !== undefined) journal.add({ event: "expired", ...gone }, at);
    }
    db.exec("COMMIT");
    return removed === ROWS_A_GO || leaseClock() >= until ? "more" : "done";
  }

  function removeSomeOriginals(): "more" | "done" {
    return Number(removeOriginals.run(Date.now(), ROWS_A_GO).changes) === ROWS_A_GO ? "more" : "done";
  }

  /** Lines and turns that nobody came back to. */
  function removeTraces(): "done" {
    const now = leaseClock();
    removeWaiters.run({ now });
    removeTurns.run({ now, forgotten: FORGOTTEN_MS });
    return "done";
  }

  function giveBackSome(): "more" | "done" {
    db.exec(`PRAGMA incremental_vacuum(${PAGES_A_GO})`);
    return Number(freePages.get()?.["freelist_count"]) > 0 ? "more" : "done";
  }

  /** The file shrinks when it is checkpointed, which nobody would do before the next 4 MB of writes; the log never by itself. */
  function shrinkFiles(): "done" {
    // Whoever reads at this moment keeps it from shrinking until the next sweep. First without keeping others from writing.
    db.exec("PRAGMA wal_checkpoint(PASSIVE); PRAGMA wal_checkpoint(TRUNCATE)");
    return "done";
  }

  const steps = [removeSome, removeSomeOriginals, removeTraces, giveBackSome, shrinkFiles];

  function go(at: number): void {
    const step = steps[at];
    if (step === undefined) return;
    // A sweep never waits for another process's lock while claims wait for the sweep.
    db.exec("PRAGMA busy_timeout = 0");
    try {
      const then = step() === "more" ? at : at + 1;
      next = setTimeout(go, PAUSE_MS.between, then);
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      // Anything else is for a verb to report that meets it as well; the next interval tries again.
      if (isBusy(error)) next = setTimeout(go, PAUSE_MS.busy, at);
    } finally {
      db.exec(`PRAGMA busy_timeout = ${Number(busyTimeout)}`);
    }
  }

  const sweep = (): void => {
    clearTimeout(next);
    next = setTimeout(go, 0, 0);
  };
  const timer = setInterval(sweep, everyMs);
  sweep();
  return () => {
    clearInterval(timer);
    clearTimeout(next);
  };
}
