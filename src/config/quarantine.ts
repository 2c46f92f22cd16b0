import type { Settings } from "./settings.ts";

/** What an API may still do on a request whose connection is gone. */
const LINGERS_MS = 30_000;

/**
 * How long the API may still work on an operation that is unknown, ms: the lease, the upstream's limit, and what it does after its connection is
 * gone. Nobody can see before that time that it was not executed.
 */
export const quarantineOf = (settings: Pick<Settings, "ONCEGATE_LEASE" | "ONCEGATE_UPSTREAM_TIMEOUT">): number =>
  settings.ONCEGATE_LEASE + settings.ONCEGATE_UPSTREAM_TIMEOUT + LINGERS_MS;
