import type { Problem } from "./problem.ts";
import type { UnknownReason } from "./record.ts";
import { REASONS, withUnended } from "./refusal.ts";
import type { Unended } from "./refusal.ts";
import { sourceName } from "./source.ts";
import type { Source } from "./source.ts";

/** What a duplicate is told; as refusal.ts. */

/** `unless`: where a client may say that it means another one. */
export const duplicate = (unless: Source | undefined): Problem => ({
  code: "duplicate",
  what: "A request that says the same, in what its duplicates are told by here, was executed already.",
  ...(unless === undefined
    ? {}
    : {
        next: `Read the result from the API or, if another one is meant, send it with "true" as ${sourceName(unless)}.`,
      }),
});

/** To a duplicate: its original, which may have another key or none. Also below. */
export const originalInFlight = (since: string): Problem => ({
  code: "operation-in-flight",
  what: `A request that says the same started at ${since} and has not ended.`,
  next: "Nothing was sent a second time: send it again to learn what became of it.",
  members: { since },
});

export const originalUnknown = (since: string, reason: UnknownReason, unended?: Unended): Problem =>
  withUnended(
    {
      code: "outcome-unknown",
      what: `A request that says the same was started at ${since}, and ${REASONS[reason]}.`,
      next: "This one was not sent. Look in the API whether the first one was carried out.",
      members: { since, reason },
    },
    unended,
  );
