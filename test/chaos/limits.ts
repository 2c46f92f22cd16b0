/** The gateways' time limits in a run: short, so that a run meets every one of them often; the lease survives a busy machine. */
export const LEASE_MS = 2_000;
export const CONNECT_TIMEOUT_MS = 500;
/** Longer than a reply waits for its settle (1 s), so that clients are told that an answer is not stored. */
export const CLIENT_WAIT_MS = 1_500;
export const UPSTREAM_TIMEOUT_MS = 3_000;
export const SHUTDOWN_GRACE_MS = 1_000;
/** An answer beyond this is passed on and not kept. */
export const KEPT_BYTES = 16_384;

/** No record may be in flight for longer once everything is healed: twice the lease and the limits together. */
export const SETTLED_WITHIN_MS = 2 * (LEASE_MS + CONNECT_TIMEOUT_MS + UPSTREAM_TIMEOUT_MS + CLIENT_WAIT_MS);

/** ms of CLOCK_MONOTONIC, the same for every process of the machine: histories and ledgers are compared by it. */
export const now = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;
