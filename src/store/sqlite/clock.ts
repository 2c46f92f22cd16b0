import { hrtime } from "node:process";
import type { Now } from "../../domain/record.ts";

/** CLOCK_MONOTONIC in whole ms: never set back, and the same for every process of one boot, so they can share a file. */
export function leaseClock(): number {
  return Number(hrtime.bigint() / 1_000_000n);
}

export function now(): Now {
  return { lease: leaseClock(), wall: Date.now() };
}
