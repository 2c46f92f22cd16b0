/** Renewed this often in a lease's length: two renewals may fail or wait for a busy store before it is over. */
const RENEWALS_PER_LEASE = 3;

export type RenewalSettings = {
  leaseMs: number;
  /** On this process's monotonic clock: a lease is counted from the first sending of what the store acknowledged. */
  sentAt: number;
  renew: () => Promise<"renewed" | "lost">;
};

/** Keeps up what somebody holds in the store until it is stopped, and knows without asking how long it is good. */
export class Renewal {
  readonly #settings: RenewalSettings;
  #goodUntil: number;
  #isLost = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: RenewalSettings) {
    this.#settings = settings;
    this.#goodUntil = settings.sentAt + settings.leaseMs;
    this.#renewAfter(settings.leaseMs / RENEWALS_PER_LEASE);
  }

  /** Asked right before the first byte leaves. This clock can only forbid sending. */
  isGood(): boolean {
    return !this.#isLost && performance.now() < this.#goodUntil;
  }

  /** Another step, sent then, made the lease as long as a renewal does. */
  carriedOn(sentAt: number): void {
    this.#goodUntil = Math.max(this.#goodUntil, sentAt + this.#settings.leaseMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#isStopped = true;
  }

  #renewAfter(ms: number): void {
    this.#timer = setTimeout(() => void this.#renew(), ms);
  }

  async #renew(): Promise<void> {
    const { leaseMs, renew } = this.#settings;
    const sentAt = performance.now();
    const said = await renew().catch(() => "unheard" as const);
    if (this.#isStopped) return;
    switch (said) {
      case "renewed":
        // What was over on this clock may have been another's in between: a late copy of an asking can have taken it back since.
        if (this.isGood()) this.carriedOn(sentAt);
        return this.#renewAfter(leaseMs / RENEWALS_PER_LEASE);
      case "unheard":
        return this.#renewAfter(leaseMs / (4 * RENEWALS_PER_LEASE));
      case "lost":
        this.#isLost = true;
        return;
    }
  }
}
