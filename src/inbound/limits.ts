/** What a client may take its time with, in ms. */
export type ConnectionLimits = {
  /** For a whole head, from its first byte, and for the first byte of a new connection. */
  headMs: number;
  /** How often Node looks for heads that took longer. */
  lookMs: number;
  /** How long a connection may be idle between two requests. */
  idleMs: number;
  /** How long a client may take nothing of its answer, or send nothing of an upload that passes through. */
  stalledMs: number;
};

export const CONNECTION_LIMITS: ConnectionLimits = {
  headMs: 30_000, // a head is a packet or a few: no honest client is slower
  lookMs: 5_000, // Node's own 30 s would double the limit; a look costs nothing where nothing is late
  idleMs: 75_000, // longer than load balancers keep theirs (60 s is common), so that they never write to a closing socket
  stalledMs: 60_000, // what other proxies allow between two reads or writes; an answer that nobody takes holds memory
};
