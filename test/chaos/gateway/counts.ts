import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { COUNTS_FILE, TRAPS_FOLDER } from "./gap.ts";

/** What a gateway holds; at the end of a run it must be what it was at its start. */
export type Counts = {
  /** Without a request under way: the store's connection. */
  sockets: number;
  /** Of the process: signal handlers and the like. */
  listeners: number;
  /** After a collection. */
  heapBytes: number;
};

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** On SIGUSR2 writes what it holds, whole or not at all. */
process.on("SIGUSR2", () => {
  collect();
  const counts: Counts = {
    sockets: process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    heapBytes: process.memoryUsage().heapUsed,
  };
  const file = join(process.env[TRAPS_FOLDER] ?? "", COUNTS_FILE);
  writeFileSync(`${file}.new`, JSON.stringify(counts));
  renameSync(`${file}.new`, file);
});
