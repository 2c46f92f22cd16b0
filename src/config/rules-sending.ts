import { z } from "zod";
import { fields } from "./rules-values.ts";
import * as value from "./values.ts";

/** What a rule says of an API in trouble (rules-file.ts). */

export const breaker = () =>
  fields({
    failures: z.int().min(1).max(1_000).meta({ description: "So many in a row." }),
    coolOff: value.duration("1s", "1h").meta({ description: "So long nothing is sent." }),
  })
    .transform(({ failures, coolOff }) => ({ failures, coolOffMs: coolOff }))
    .meta({
      description:
        "Where the API fails (5xx, or no answer) several times in a row for one scope, its operations are refused for a while (503 with Retry-After) without being sent.",
    });

export const retry = () =>
  fields({
    tries: z.int().min(2).max(10).prefault(5).meta({ description: "At most so many, the first one included." }),
    within: value
      .duration("1s", "10m")
      .prefault("20s")
      .meta({ description: "No try begins later than this after the first." }),
  })
    .transform(({ tries, within }) => ({ tries, withinMs: within }))
    .meta({
      description:
        "Tries again while the client waits: what was never sent, and what the API answered with 429 or 503 and Retry-After, which is honoured, where the outcome is release. Pauses of 0.5, 1, 2, 4 and 8 s, give or take a quarter. Without it only what was never sent, for two seconds.",
    });
