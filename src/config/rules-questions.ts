import { z } from "zod";
import { isPointer } from "../domain/pointer.ts";
import { parseTemplate } from "../domain/question.ts";
import { fields, list, source } from "./rules-values.ts";
import * as value from "./values.ts";

/** What a rule has the API asked (rules-file.ts). */

export const question = (...methods: ("GET" | "HEAD")[]) =>
  fields({
    method: z.enum(methods).prefault("GET").meta({ description: "Of the question." }),
    path: z
      .string()
      .transform((text, context) => {
        const target = parseTemplate(text);
        if (target !== undefined) return target;
        context.addIssue(
          "must be a path, with sources in braces where it depends on the request: /invoices?q={body:number}",
        );
        return z.NEVER;
      })
      .meta({ description: "Path and query at the API, with sources of the request in braces." }),
    headers: z
      .record(
        z
          .string()
          .regex(/^[\w-]+$/, "must be the name of a header")
          .refine(
            (name) => !NOT_TO_BE_SET.test(name),
            "is none that a rule may set: it is about the way, or the method",
          )
          .toLowerCase(),
        source("header", "body", "query", "path"),
      )
      .prefault({})
      .meta({
        description:
          "Headers that go along besides the client's credential, and where in its request they stand: x-session: body:sessionKey.",
      }),
  })
    .transform(({ method: how, path: target, headers }) => ({
      method: how,
      target,
      headers: Object.entries(headers).map(([name, from]) => ({ name, source: from })),
    }))
    .meta({ description: "What the API is asked, with the client's own credential." });

/** They could make something else of a request that only reads. */
const NOT_TO_BE_SET =
  /^(?:host|connection|te|trailer|upgrade|expect|keep-alive|via|forwarded|if-.*|range|content-.*|transfer-.*|proxy-.*|x-forwarded-.*|x-original-.*|x-rewrite-.*|x-.*method.*)$/i;

const pointer = () => z.string().refine(isPointer, "must be a JSON pointer, /data/0 for instance");
export const probe = () =>
  fields({
    request: question("GET"),
    found: z
      .string()
      .refine((text) => text === "" || isPointer(text), "must be a JSON pointer, /data/0 for instance")
      .meta({
        description:
          "JSON pointer to the result in the API's answer, or to a list of what may be it; empty: the whole answer.",
      }),
    equals: z
      .record(z.string(), source("header", "body", "query", "path"))
      .optional()
      .meta({ description: "What the result has in common with the request: /number: body:invoice_number." }),
    since: pointer().optional().meta({
      description: "JSON pointer into the result, to when it was made: one older than the operation is another one's.",
    }),
    absent: list(z.union([z.literal(404), z.literal(410)], { error: "must be 404 or 410" }))
      .optional()
      .meta({ description: "Statuses that say it is not there. Default: none does." }),
    status: z.int().min(200).max(299).prefault(200).meta({ description: "With which the result is replayed." }),
    after: value.duration("1s", "24h").optional().meta({
      description:
        "Not found twice, so far apart, releases the key. At least, and by default, ONCEGATE_LEASE, ONCEGATE_UPSTREAM_TIMEOUT and 30 s together.",
    }),
  });
