import { isMainThread } from "node:worker_threads";

/**
 * Loaded before the gateway, in each of its threads (NODE_OPTIONS --import): puts the gaps of gap.ts around the methods between
 * which they lie, so that src knows nothing of them. Where a method is renamed, tsc says so here.
 */
if (isMainThread) {
  await import("./pipeline-gaps.ts");
  await import("./counts.ts");
} else await import("./thread-gaps.ts");
