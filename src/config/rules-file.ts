import { z } from "zod";
import { PROBLEMS } from "../domain/problem.ts";
import type { ProblemCode } from "../domain/problem.ts";
import { isPointer } from "../domain/pointer.ts";
import { pathPattern } from "../domain/match.ts";
import type { StatusRange } from "../domain/outcome.ts";
import { reconcile } from "./rules-reconcile.ts";
import { breaker, retry } from "./rules-sending.ts";
import * as value from "./values.ts";
import { probe, question } from "./rules-questions.ts";
import { didYouMean, fields, list, scalar, source, unknownName, word } from "./rules-values.ts";
import { duplicates } from "./rules-duplicates.ts";
import { reasonOf } from "../reason.ts";

/** The rules file as it is written. Each value is turned into what the program works with; config/rules.ts makes rules of it. */

const method = () => z.enum(["POST", "PUT", "PATCH", "DELETE"]);

const path = () =>
  z.string().transform((glob, context) => {
    const pattern = pathPattern(glob);
    if (pattern !== undefined) return { glob, pattern };
    context.addIssue(
      "must be a path in its plain form that starts with a slash, with * for one segment and ** for any number of them, alone between slashes",
    );
    return z.NEVER;
  });

const pattern = () =>
  z.string().transform((text, context) => {
    try {
      return new RegExp(`^(?:${text})$`, "u");
    } catch (error) {
      context.addIssue(`must be a regular expression (${reasonOf(error)})`);
      return z.NEVER;
    }
  });

const statusRange = () =>
  z
    .union([z.int().transform(String), z.string()], { error: "must be a status or a range of them" })
    .transform((text, context): StatusRange => {
      const [, from, to = from] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text) ?? [];
      if (from !== undefined && Number(from) <= Number(to)) return [Number(from), Number(to)];
      context.addIssue("must be a status or a range of them that goes upwards, 500-599 for instance");
      return z.NEVER;
    });

const condition = () =>
  fields({
    status: list(statusRange()).optional().meta({ description: "Statuses and ranges: [400, 500-599]." }),
    header: z.string().toLowerCase().optional().meta({ description: "A header that the answer has." }),
    body: z
      .string()
      .refine(isPointer, "must be a JSON pointer, /status/errorCode for instance")
      .optional()
      .meta({ description: "JSON pointer into the answer's body; goes with in or equals." }),
    in: list(word()).optional().meta({ description: "The value is one of these." }),
    equals: word().optional().meta({ description: "The value is this." }),
  }).superRefine((given, context) => {
    const { status, header, body, in: among, equals } = given;
    if (status === undefined && header === undefined && body === undefined)
      context.addIssue("must say what it looks at: status, header or body");
    if (
      (body === undefined) !== (among === undefined && equals === undefined) ||
      (among !== undefined && equals !== undefined)
    )
      context.addIssue("must have in or equals, one of them, where it has body, and only there");
  });

const codes = <Value extends z.ZodType>(of: Value) =>
  z
    .record(z.string(), of)
    .superRefine((given, context) => {
      for (const code of Object.keys(given))
        if (!isProblem(code)) context.addIssue(unknownName(code, Object.keys(PROBLEMS)));
    })
    .transform((given): Partial<Record<ProblemCode, z.output<Value>>> => given)
    .meta({ propertyNames: { enum: Object.keys(PROBLEMS) } }); // for editors

const isProblem = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);

const format = <Name extends string>(name: Name) => z.literal(name).meta({ description: "Whose form." });

const errors = () =>
  z.discriminatedUnion(
    "format",
    [
      fields({
        format: format("problem"),
        statuses: codes(z.int().min(400).max(599)).optional().meta({ description: "Other statuses, by problem code." }),
      }),
      fields({
        format: format("erply"),
        codes: codes(z.int()).meta({ description: "errorCode, by problem code." }),
      }),
      fields({
        format: format("jsonrpc"),
        codes: codes(z.int()).meta({ description: "error.code, by problem code." }),
      }),
      fields({ format: format("stripe") }),
    ],
    { error: "must have as format problem, erply, jsonrpc or stripe" },
  );

export const VERDICTS = ["release", "unknown", "store"] as const;

const turn = () =>
  fields({
    document: source("body", "query", "path", "header").meta({ description: "Where the document's id is read." }),
    kind: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "What kind of document it is, where documents of several kinds have the same ids." }),
    wait: value.duration("1s", "60s").prefault("5s").meta({ description: "How long it waits for its turn." }),
  });

const bodyFields = () => list(z.string().min(1));

export const RuleSource = fields({
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "must have 1 to 64 letters, digits, dots, hyphens and underscores")
    .meta({ description: "How the rule is called in logs." }),
  match: fields({
    methods: list(method()).optional().meta({ description: "Default: ONCEGATE_METHODS." }),
    path: path()
      .optional()
      .meta({ description: "* is one segment or a part of one, ** any number of them. Default: every path." }),
    body: z
      .record(z.string(), z.union([scalar(), list(scalar())], { error: "must be a value or a list of values" }))
      .optional()
      .meta({ description: "Fields of the body and the values they must have." }),
    bodyPresent: bodyFields().optional().meta({ description: "Fields that the body must have." }),
    bodyAbsent: bodyFields().optional().meta({ description: "Fields that the body must not have, or only empty." }),
  }).meta({ description: "Which requests the rule governs. The first rule that matches does." }),
  mode: z.enum(["enforce", "observe"]).optional().meta({
    description:
      "observe: everything is passed on, what would have been stopped is counted and logged. Default: ONCEGATE_MODE.",
  }),
  key: fields({
    from: list(source("header", "body"))
      .optional()
      .meta({ description: "header:NAME, body:FIELD. Default: ONCEGATE_KEY_HEADERS." }),
    pattern: pattern().optional().meta({ description: "Regular expression that the whole key matches." }),
    maxLength: z.int().min(1).max(1_024).optional().meta({ description: "Default: ONCEGATE_KEY_MAX_LENGTH." }),
    required: z
      .boolean()
      .optional()
      .meta({ description: "Refuse a request without a key. Default: ONCEGATE_REQUIRE_KEY." }),
  })
    .optional()
    .meta({ description: "Where the idempotency key stands, and what is one." }),
  scope: z
    .union([z.literal("auto"), list(source("header", "basic", "jwt", "body", "query", "path"))], {
      error: "must be auto or a list of sources",
    })
    .optional()
    .meta({ description: "Whose key it is. Default: ONCEGATE_SCOPE." }),
  credential: list(source("header", "body", "query"))
    .optional()
    .meta({
      description:
        "What the API knows its callers by besides Authorization, X-Api-Key and Cookie, a session in the body for instance. A request with none of them is refused; a stored answer is shown to no other.",
    }),
  trustScope: z
    .boolean()
    .optional()
    .meta({ description: "The scope says for certain who asks: an answer is replayed to another credential of it." }),
  authorize: fields({ request: question("GET", "HEAD") })
    .optional()
    .meta({
      description:
        "Asked with the client's own credentials before every replay: only a 2xx lets it see what is stored.",
    }),
  probe: probe().optional().meta({
    description:
      "Asked with the client's own credentials when it retries an operation whose outcome is unknown: found, it is replayed; not found twice, it is executed.",
  }),
  retention: value.duration("1s", "365d").optional().meta({ description: "Default: ONCEGATE_RETENTION." }),
  fingerprint: fields({
    mode: z.enum(["content", "bytes", "none"]).optional().meta({ description: "Default: ONCEGATE_FINGERPRINT." }),
    ignore: list(source("body", "query"))
      .optional()
      .meta({ description: "What may differ between attempts: body:FIELD (of the outermost object), query:NAME." }),
  })
    .optional()
    .meta({ description: "What a retry has in common with the first request; whatever else has its key is refused." }),
  onCompleted: z
    .enum(["replay", "reject"])
    .optional()
    .meta({ description: "What a retry of a completed operation gets: its answer, or already-completed." }),
  onInFlight: z
    .union([z.literal("reject"), fields({ wait: value.duration("0s", "1h").meta({ description: "How long." }) })], {
      error: "must be reject or { wait: 10s }",
    })
    .optional()
    .meta({
      description:
        "What a retry gets while the first request runs: reject, or it waits. Default: ONCEGATE_IN_FLIGHT_WAIT.",
    }),
  outcome: z
    .partialRecord(z.enum(VERDICTS), list(condition()), { error: didYouMean(VERDICTS) }) // keeps the order of the file
    .optional()
    .meta({
      description:
        "What an answer says: release (it did not begin: a retry executes), unknown (nobody can tell) or store (it ran). Looked at from top to bottom, the first that holds decides; behind them come the lists of the settings that are not given here.",
    }),
  serialize: turn().optional().meta({
    description:
      "Edits of one document run one after the other, in order of arrival, with or without a key; who waited its time is refused with document-busy.",
  }),
  exclusive: turn().optional().meta({
    description:
      "Deletes of one document: each waits for the edits before it, and a second one is refused with document-deleting at once.",
  }),
  breaker: breaker().optional(),
  retry: retry().optional(),
  reconcile: reconcile().optional(),
  duplicates: duplicates().optional(),
  schema: z
    .union([z.string(), z.record(z.string(), z.unknown())], { error: "must be a JSON Schema or the path of one" })
    .optional()
    .meta({
      description:
        "JSON Schema of the body, or its file beside this one. What it refuses is answered 400 and stores nothing.",
    }),
  errors: errors().optional().meta({ description: "The form of the gateway's own answers." }),
});

export type RuleSource = z.output<typeof RuleSource>;

export const RulesFile = fields({
  version: z.literal(1).meta({ description: "Of what a rules file may say." }),
  rules: list(RuleSource).meta({
    description: "The first whose match holds governs a request; behind the last stands that of the settings.",
  }),
});

/** Of a file with mistakes: undefined stands for each rule that has one of its own. */
export const ReadableRules = z.object({ rules: z.array(RuleSource.optional().catch(undefined)) });

export const rulesJsonSchema = () => z.toJSONSchema(RulesFile, { io: "input" });
