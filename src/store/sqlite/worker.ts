import { parentPort, workerData } from "node:worker_threads";
import { openFile } from "./file.ts";
import { sweepEvery } from "./sweep.ts";
import type { Answered, Ask, Report, ThreadOptions } from "./thread.ts";
import { inWords, isFull, isOfSqlite } from "./trouble.ts";
import { verbs } from "./verbs.ts";

/**
 * The thread that owns the connection. One batch is one transaction, and its report leaves after the COMMIT is on disk.
 * A throw that is not caught here ends the thread: nobody can tell then what became of the batch.
 */
const { file, sweepEveryMs }: ThreadOptions = workerData;
const report = (message: Report): void => parentPort?.postMessage(message);

try {
  serve();
} catch (error) {
  report({ kind: "refused", message: inWords(error, file) });
}

function serve(): void {
  const { db, inode, isReplaced } = openFile(file);
  const answer = verbs(db);
  let asked = 0;
  const stopSweeping = sweepEvery(sweepEveryMs, db, () => asked);

  parentPort?.on("message", (batch: Ask[] | "close") => {
    if (batch !== "close") {
      asked += batch.length;
      if (!isReplaced()) return report(perform(batch));
      // What is written to the file that nobody finds any more is lost. The next thread opens the one that stands there.
      const message = `SQLite file ${file}: it was removed or replaced`;
      report({ kind: "failed", fate: "unsent", message });
      report({ kind: "refused", message });
      stopSweeping();
      return end();
    }
    stopSweeping();
    // Passive: takes what it can without waiting for another process; closing does the rest for the last one.
    db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    end();
  });
  report({ kind: "open", inode });

  function end(): void {
    db.close();
    parentPort?.close();
  }

  /** A record that cannot be read fails its own ask and none of the others in the batch: nothing was written for it yet. */
  function answerOne({ verb, args }: Ask): Answered {
    try {
      return { answer: Reflect.apply(answer[verb], undefined, args) };
    } catch (error) {
      if (isOfSqlite(error)) throw error;
      return { unreadable: inWords(error, file) };
    }
  }

  function perform(batch: Ask[]): Report {
    let committing = false;
    try {
      // Takes the write lock at once, so that "busy" can only come before anything ran.
      db.exec("BEGIN IMMEDIATE");
      const answers = batch.map(answerOne);
      committing = true;
      db.exec("COMMIT");
      return { kind: "done", answers };
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      // A COMMIT that found the disk full did not write its last frame, the one that counts. After any other error of a
      // COMMIT that frame may be in the file, and a recovery may find it.
      const fate = committing && !isFull(error) ? "ambiguous" : "unsent";
      return { kind: "failed", fate, message: inWords(error, file) };
    }
  }
}
