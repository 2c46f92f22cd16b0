/** What a server has to be. */
export type Expected = { mode: "standalone" | "cluster"; mayEvict: boolean };

/** `#!lua` flags and the rest of what the scripts use came with 7.0 (Valkey says 7.2). */
const OLDEST_MAJOR = 7;

/** How a server that is of another mode is named in ONCEGATE_STORE. */
export const URL_OF_MODE = {
  standalone: "is a single server: its URL begins with redis:// or rediss://",
  cluster: "is part of a cluster: its URL begins with redis+cluster:// or rediss+cluster://",
  sentinel: "is a Sentinel: its URL begins with redis+sentinel:// or rediss+sentinel://",
} as const;

/** Why the server that gave this INFO cannot be used, or cannot yet. INFO says it where hosted servers forbid CONFIG. */
export function unfitness(info: string, { mode, mayEvict }: Expected): string | undefined {
  const said = fieldsOf(info);
  for (const other of ["standalone", "cluster", "sentinel"] as const)
    if (other !== mode && said("redis_mode") === other) return URL_OF_MODE[other];
  const version = said("redis_version") ?? "unknown";
  if (!(Number.parseInt(version, 10) >= OLDEST_MAJOR))
    return `is version ${version}; Oncegate needs ${OLDEST_MAJOR}.0 or later, or Valkey`;
  const policy = said("maxmemory_policy") ?? "noeviction";
  if (policy !== "noeviction" && !mayEvict)
    return `evicts records when it is full (maxmemory-policy ${policy}), and a lost record is a second invoice: set noeviction, or ONCEGATE_ALLOW_UNSAFE_STORE`;
  if (said("loading") === "1") return "is still loading its data";
  return said("role") === "slave" ? "is a read-only replica" : undefined;
}

/** One field of INFO. */
export function fieldsOf(info: string): (name: string) => string | undefined {
  return (name) => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
}

/** Of INFO: how many replicas follow closely enough to have a write in a moment. */
export function replicasInStep(info: string): number {
  return [...info.matchAll(/^slave\d+:.*state=online/gm)].length;
}
