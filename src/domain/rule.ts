import type { FingerprintMode } from "./fingerprint.ts";
import { valuesOf } from "./headers.ts";
import type { RawHeaders } from "./headers.ts";
import type { ScopeSetting } from "./scope.ts";

/** From and to, both included. */
export type StatusRange = readonly [number, number];

/** How the operations of one route are treated. Without a rules file there is one, named "default", made of the settings. */
export type Rule = {
  name: string;
  /** Methods that accept keys; others pass through. */
  methods: readonly string[];
  keyHeaders: readonly string[];
  keyMaxLength: number;
  requireKey: boolean;
  scope: ScopeSetting;
  fingerprint: FingerprintMode;
  releaseStatuses: readonly StatusRange[];
  unknownStatuses: readonly StatusRange[];
  retentionMs: number;
  unknownRetentionMs: number;
  /** How long a retry waits for the running original before it gets 409; `Prefer: wait` may ask for longer. */
  inFlightWaitMs: number;
};

/**
 * What the upstream's answer says of the operation. `release`: it did not begin, so the key is free again; `unknown`: a proxy
 * in front of the upstream may speak, so nobody can tell; `store`: it ran, whatever came of it.
 * A 503 with Retry-After promises that a later try is welcome: it did not begin. Nor did what went round in a loop (508; RFC 5842,
 * section 7.2): a gateway behind this one says so, and this very one where its upstream leads back to it.
 */
export function judge(rule: Rule, status: number, headers: RawHeaders): "store" | "release" | "unknown" {
  if (status === 503 && valuesOf(headers, "retry-after").length > 0) return "release";
  if (contains(rule.unknownStatuses, status)) return "unknown";
  if (status === 508 || contains(rule.releaseStatuses, status)) return "release";
  return "store";
}

function contains(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some(([from, to]) => from <= status && status <= to);
}

/** Seconds that `Prefer: wait=N` asks for (RFC 7240, section 4.3), in ms; undefined where it does not. */
export function preferredWaitMs(prefer: readonly string[] | undefined): number | undefined {
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?/i.exec((prefer ?? []).join(","))?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
