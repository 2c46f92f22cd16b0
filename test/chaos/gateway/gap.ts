/**
 * The gaps of the pipeline in which a gateway is killed or paused, in the order an operation meets them. Whatever stops in one
 * of them has taken exactly the steps before it.
 */
export const GAPS = [
  /** The request's head is read, its body is not. */
  "arrived",
  /** Identified; nothing was sent to the store. */
  "identified",
  /** The claim is the store's; its answer is not read. */
  "claim-sent",
  /** Claimed; nothing was sent to the upstream. */
  "claimed",
  /** The lease was looked at for the last time; the first byte has not left. */
  "may-send",
  /** The request is the upstream's; no answer. */
  "request-sent",
  /** The head of the answer is read, its end is not. */
  "answer-begun",
  /** The upstream's part is over; nothing of it was sent to the store. */
  "answered",
  /** The settle is the store's; its answer is not read. */
  "settle-sent",
  /** Settled; nothing was sent to the client. */
  "settled",
  /** The answer is the kernel's. */
  "replied",
  /** A renewal is the store's; its answer is not read. */
  "renew-sent",
] as const;

/** Only with SQLite: within the thread that owns the file, on either side of a batch's COMMIT. */
export const THREAD_GAPS = ["committing", "committed"] as const;

export type Gap = (typeof GAPS)[number] | (typeof THREAD_GAPS)[number];

/** What a trap does to its gateway: SIGKILL or SIGSTOP, `afterMs` of standing still in the gap, in which others go on. */
export type Trap = { signal: "SIGKILL" | "SIGSTOP"; afterMs: number };

/** For the names of the folder in which traps are set and of the file that counts are written to (preload.ts). */
export const TRAPS_FOLDER = "CHAOS_TRAPS";
export const COUNTS_FILE = "counts.json";
