import type { HeaderValues } from "../domain/key.ts";
import type { Problem } from "../domain/problem.ts";

/**
 * Fields that a request has once. Sent twice, gateway and upstream could read different ones: a key would be looked up for one
 * customer and executed for another.
 */
const ONCE = ["host", "authorization", "x-api-key", "content-type"];

/** Refuses what a proxy must not forward, operation or not; undefined where nothing is wrong with it. */
export function guard(headers: HeaderValues): Problem | undefined {
  const repeated = ONCE.find((name) => (headers[name]?.length ?? 0) > 1);
  if (repeated === undefined) return undefined;
  return { code: "bad-request", what: `${repeated} was sent more than once.` };
}
