import type { DatabaseSync } from "node:sqlite";
import { FORGOTTEN_MS } from "../turns.ts";
import { leaseClock } from "./clock.ts";
import { journalTable } from "./journal-table.ts";
import { unknownOf } from "./records-table.ts";
import { isBusy } from "./trouble.ts";

/**
 * One go, between two batches, ends at whichever comes first: many small rows, or few with answers of megabytes. While the store is
 * used, a go removes no more rows than there were asks since the one before. An operation makes two, so that a sweep keeps up with any
 * load and is never most of what the disk has to do: at its full speed it made the 99th percentile of claims four times what it is without
 * a sweep (bench/sweep.ts).
 */
const ROWS_A_GO = 40;
const MS_A_GO = 2;
/** Without asks for so long the store is taken for unused. */
const UNUSED_MS = 1_000;
/** 128 KB at the default page size. */
const PAGES_A_GO = 32;
/** Next records take free pages: to give them back is worth it from this part of the file on. */
const FREE_PART = 1 / 8;
/** Time for claims between two goes; and for another process to end what it holds the lock for, so that a busy file is swept too. */
const PAUSE_MS = { between: 5, busy: 25 };

/**
 * Removes expired rows and gives their space back to the disk, in goes short enough for a claim to wait for. An expired answer is
 * absent already; an unknown is noted in the journal and is absent from then on. Begins at once, since nobody knows how long this
 * process will live. Returns what stops it. `asked`: how many verbs this process has asked for so far.
 */
export function sweepEvery(everyMs: number, db: DatabaseSync, asked: () => number): () => void {
  const removeOne = db.prepare(
    "DELETE FROM record WHERE rowid = (SELECT rowid FROM record WHERE expires <= ? ORDER BY expires LIMIT 1) RETURNING name, state, started_at, reason",
  );
  const traces = ["turn", "waiter"].map((table) => ({
    // After a reboot, which starts the clock anew. Removed at once, a dead holder would not be named to whoever is next.
    diedNow: db.prepare(`UPDATE ${table} SET lease_until = :now WHERE lease_until > :now + lease_ms`),
    remove: db.prepare(`DELETE FROM ${table} WHERE lease_until <= ?`),
  }));
  const removeOriginals = db.prepare(
    "DELETE FROM original WHERE rowid IN (SELECT rowid FROM original WHERE expires <= ? ORDER BY expires LIMIT ?)",
  );
  const journal = journalTable(db);
  const freePages = db.prepare("PRAGMA freelist_count");
  const allPages = db.prepare("PRAGMA page_count");
  const busyTimeout = db.prepare("PRAGMA busy_timeout").get()?.["timeout"];
  let next: NodeJS.Timeout | undefined;
  const last = { asked: asked(), askedAt: -Infinity };

  /** How many rows or pages a go may touch. */
  function share(most: number): number {
    const asks = asked() - last.asked;
    last.asked += asks;
    if (asks > 0) last.askedAt = leaseClock();
    return leaseClock() - last.askedAt < UNUSED_MS ? Math.min(asks, most) : most;
  }

  function removeSome(): "more" | "done" {
    const most = share(ROWS_A_GO);
    if (most === 0) return "more";
    const until = leaseClock() + MS_A_GO;
    db.exec("BEGIN IMMEDIATE");
    let removed = 0;
    while (removed < most && leaseClock() < until) {
      const at = Date.now();
      const row = removeOne.get(at);
      if (row === undefined) break;
      removed++;
      const gone = unknownOf(row);
      if (gone !== undefined) journal.add({ event: "expired", ...gone }, at);
    }
    db.exec("COMMIT");
    return removed === most || leaseClock() >= until ? "more" : "done";
  }

  function removeSomeOriginals(): "more" | "done" {
    const most = share(ROWS_A_GO);
    return Number(removeOriginals.run(Date.now(), most).changes) === most ? "more" : "done";
  }

  /** Lines and turns that nobody came back to. */
  function removeTraces(): "done" {
    db.exec("BEGIN IMMEDIATE");
    const now = leaseClock(); // after the lock was had: what another process wrote until then is not ahead of it
    for (const { diedNow, remove } of traces) {
      diedNow.run({ now });
      remove.run(now - FORGOTTEN_MS);
    }
    db.exec("COMMIT");
    return "done";
  }

  function giveBackSome(): "more" | "done" {
    const isMuch = (): boolean =>
      Number(freePages.get()?.["freelist_count"]) > Number(allPages.get()?.["page_count"]) * FREE_PART;
    if (!isMuch()) return "done";
    const most = share(PAGES_A_GO);
    if (most === 0) return "more";
    db.exec(`PRAGMA incremental_vacuum(${most})`);
    return isMuch() ? "more" : "done";
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
    // A sweep never waits for another process's lock while claims wait for the sweep, nor for the disk: what a power cut brings back
    // is swept again, and what claims wrote before and write after it is synced with their own commits (sqlite.org/wal.html).
    db.exec("PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL");
    try {
      const then = step() === "more" ? at : at + 1;
      next = setTimeout(go, PAUSE_MS.between, then);
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      // Anything else is for a verb to report that meets it as well; the next interval tries again.
      if (isBusy(error)) next = setTimeout(go, PAUSE_MS.busy, at);
    } finally {
      db.exec(`PRAGMA busy_timeout = ${Number(busyTimeout)}; PRAGMA synchronous = FULL`);
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
