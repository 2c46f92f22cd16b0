import type { DatabaseSync } from "node:sqlite";
import { leaseClock } from "./clock.ts";

/** One go, between two batches, ends at whichever comes first: many small rows, or few with answers of megabytes. */
const ROWS_A_GO = 200;
const MS_A_GO = 20;
/** 1 MB at the default page size. */
const PAGES_A_GO = 256;

/**
 * Removes expired rows and gives their pages back, in goes short enough for a claim to wait for. No verb needs it: an
 * expired row is absent already. Returns what stops it.
 */
export function sweepEvery(everyMs: number, db: DatabaseSync): () => void {
  const removeOne = db.prepare(
    "DELETE FROM record WHERE rowid = (SELECT rowid FROM record WHERE expires <= ? ORDER BY expires LIMIT 1)",
  );
  const freePages = db.prepare("PRAGMA freelist_count");
  const busyTimeout = db.prepare("PRAGMA busy_timeout").get()?.["timeout"];
  let next: NodeJS.Immediate | undefined;

  function removeSome(): "more" | "done" {
    const until = leaseClock() + MS_A_GO;
    db.exec("BEGIN IMMEDIATE");
    let removed = 0;
    while (removed < ROWS_A_GO && leaseClock() < until && removeOne.run(Date.now()).changes === 1) removed++;
    db.exec("COMMIT");
    return removed === ROWS_A_GO || leaseClock() >= until ? "more" : "done";
  }

  function giveBackSome(): "more" | "done" {
    db.exec(`PRAGMA incremental_vacuum(${PAGES_A_GO})`);
    return Number(freePages.get()?.["freelist_count"]) > 0 ? "more" : "done";
  }

  function go(step: () => "more" | "done"): void {
    // A sweep never waits for another process's lock while claims wait for the sweep.
    db.exec("PRAGMA busy_timeout = 0");
    try {
      if (step() === "more") next = setImmediate(go, step);
      else if (step === removeSome) next = setImmediate(go, giveBackSome);
    } catch {
      // Housekeeping: the next interval tries again, and a verb that meets the same trouble reports it.
      if (db.isTransaction) db.exec("ROLLBACK");
    } finally {
      db.exec(`PRAGMA busy_timeout = ${Number(busyTimeout)}`);
    }
  }

  const timer = setInterval(() => {
    clearImmediate(next);
    go(removeSome);
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    clearImmediate(next);
  };
}
