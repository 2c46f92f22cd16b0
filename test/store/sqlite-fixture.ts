import { randomUUID } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import { copyFile, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import type { Store } from "../../src/store/records.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import type { Opening, StoreFixture } from "./contract.ts";

/** A handle whose file is replaced does not keep the suite waiting. */
const AT_ONCE = { lookEveryMs: 1_000, quietMs: 0 };

export type SqliteFixture = StoreFixture & {
  file: string;
  /** Another program's connection to the file. */
  connect(): DatabaseSync;
};

/** Tells of every thread that starts in this process: how a test gets hold of the one that it means to kill. */
const threadsStarted = channel("worker_threads");

export async function sqliteFixture(): Promise<SqliteFixture> {
  const folder = await mkdtemp(join(tmpdir(), "oncegate-sqlite-"));
  const file = join(folder, "data", "oncegate.db");
  const connections: DatabaseSync[] = [];
  const stores: Store[] = [];
  const threads = new Set<Worker>();
  const onThread = (message: unknown) => {
    if (typeof message !== "object" || message === null || !("worker" in message)) return;
    const { worker } = message;
    if (!(worker instanceof Worker)) return;
    threads.add(worker);
    worker.once("exit", () => threads.delete(worker));
  };
  threadsStarted.subscribe(onThread);

  const openWith = async (options: Opening) => {
    const store = await openSqlite({ file, intervals: AT_ONCE, ...options });
    stores.push(store);
    return store;
  };
  const connect = () => {
    const connection = new DatabaseSync(file, { timeout: 10_000 });
    connections.push(connection);
    return connection;
  };

  /** With the log, as who restores a backup must (sqlite.org/backup). */
  const removeFiles = async () => {
    await Promise.all([file, `${file}-wal`, `${file}-shm`].map((path) => rm(path, { force: true })));
  };

  return {
    file,
    connect,
    open: (options) => openWith(options ?? {}),
    async advance(ms) {
      const connection = new DatabaseSync(file, { timeout: 10_000 });
      connection.exec(`UPDATE record SET
        lease_until = lease_until - ${ms}, expires = expires - ${ms}, started_at = started_at - ${ms},
        looked_at = looked_at - ${ms}, looked_gateway_at = looked_gateway_at - ${ms};
        UPDATE turn SET lease_until = lease_until - ${ms};
        UPDATE original SET expires = expires - ${ms};
        UPDATE waiter SET lease_until = lease_until - ${ms}`);
      connection.close();
    },
    async restart() {
      await Promise.all([...threads].map((thread) => thread.terminate()));
    },
    empty: removeFiles,
    async snapshot() {
      const backup = join(folder, `backup-${randomUUID()}.db`);
      const connection = connect();
      connection.exec(`VACUUM INTO '${backup}'`);
      return async () => {
        await copyFile(backup, `${backup}.copy`);
        await removeFiles();
        await rename(`${backup}.copy`, file);
      };
    },
    async destroy() {
      threadsStarted.unsubscribe(onThread);
      await Promise.all(stores.map((store) => store.close()));
      for (const connection of connections) connection.close();
      await rm(folder, { recursive: true });
    },
  };
}
