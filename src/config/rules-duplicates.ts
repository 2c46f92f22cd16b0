import { z } from "zod";
import type { Duplicates } from "../domain/likeness.ts";
import { fields, isOutermostName, list, source } from "./rules-values.ts";
import * as value from "./values.ts";

/** How a rules file says which operations are duplicates. */
export const duplicates = () =>
  fields({
    fields: list(source("body", "header", "query", "path")).meta({
      description:
        "What duplicates have in common: body:FIELD (of the outermost object; body:amount* is every field that begins so), ...",
    }),
    window: value.duration("1s", "365d").optional().meta({
      description: "For how long after the original completed. Default, and at most: the retention.",
    }),
    // oxlint-disable-next-line unicorn/no-thenable -- the file's own word, and no function
    then: z.enum(["observe", "replay", "reject"]).meta({
      description:
        "What a duplicate gets: observe (it is passed on, counted and logged), replay (the original's answer) or reject (409 duplicate).",
    }),
    unless: source("header", "body", "query").optional().meta({
      description: "Where a client says true, 1 or yes if it really means another one: header:NAME, body:FIELD.",
    }),
  }).meta({
    description:
      "Requests that are alike in these fields, within one scope, are executed once, with or without a key. Off by default: two equal invoices can be meant.",
  });

export function duplicatesOf(
  given: z.output<ReturnType<typeof duplicates>> | undefined,
  retentionMs: number,
  wrong: (path: readonly string[], what: string) => void,
): Duplicates | undefined {
  if (given === undefined) return undefined;
  const { fields: alike, window: windowMs = retentionMs, then: action, unless } = given;
  if (alike.some((one) => one.from === "body" && !isOutermostName(one.name)))
    wrong(["duplicates", "fields"], "can only have fields of the outermost object, by their names");
  if (windowMs > retentionMs)
    wrong(["duplicates", "window"], "cannot be longer than the retention: the original's answer is kept no longer");
  return { fields: alike, windowMs, action, unless };
}
