import type { HeaderValues } from "../domain/key.ts";
import type { Problem } from "../domain/problem.ts";
import type { Rule } from "../domain/rule.ts";

/** Fields that say who asks and what is sent: the gateway and the upstream must read the same. */
const IDENTIFYING = ["host", "authorization", "x-api-key", "content-type"];

/**
 * Refuses what a proxy must not forward, operation or not; the result is undefined where nothing is wrong with it. Two fields of
 * which gateway and upstream could read different ones, or one that Connection takes away on the way (RFC 9110, section 7.6.1),
 * would look a key up for one customer and execute for another.
 */
export function createGuard({ keyHeaders, scope }: Rule): (headers: HeaderValues) => Problem | undefined {
  const sources = scope === "auto" ? [] : scope.flatMap((source) => (source.from === "header" ? [source.name] : []));
  const kept = new Set([...IDENTIFYING, "cookie", "content-length", "content-encoding", ...keyHeaders, ...sources]);
  return (headers) => {
    const repeated = IDENTIFYING.find((name) => (headers[name]?.length ?? 0) > 1);
    if (repeated !== undefined) return refusal(`${repeated} was sent more than once.`);
    const nominated = headers["connection"]
      ?.flatMap((value) => value.split(","))
      .map((name) => name.trim().toLowerCase());
    const removed = nominated?.find((name) => kept.has(name));
    return removed === undefined ? undefined : refusal(`Connection must not take ${removed} away.`);
  };
}

const refusal = (what: string): Problem => ({ code: "bad-request", what });
