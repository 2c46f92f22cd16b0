import { Ajv } from "ajv";
import type { ErrorObject, ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { closestMatch } from "leven";
import type { Fault } from "../domain/rule.ts";
import { reasonOf } from "../reason.ts";

/** Unknown keywords and formats are mistakes; the rest of ajv's strictness is about style. */
const STRICT = { strict: false, strictSchema: true, strictNumbers: true } as const;
/** More than a client can mend at once, and each costs time on a body that somebody sends. */
const MOST_FAULTS = 10;
const DRAFT_07 = /^https?:\/\/json-schema\.org\/draft-07\//;

/** `path`: where in the schema, as far as it is known; `why` goes on from there, in words. */
export type Compiled =
  | { kind: "compiled"; faultsOf: (body: unknown) => readonly Fault[] }
  | { kind: "broken"; path: readonly string[]; why: string };

/**
 * A JSON Schema as a test of bodies: of draft 2020-12, or of draft-07 where it says so. One that has a keyword or format which would
 * silently check nothing is broken, too.
 */
export function compileSchema(schema: object): Compiled {
  const dialect = "$schema" in schema && DRAFT_07.test(String(schema.$schema)) ? Ajv : Ajv2020;
  const ajv = new dialect(STRICT);
  // Of an asynchronous one ajv gives a promise of the result: which is never false.
  if ("$async" in schema) return { kind: "broken", path: ["$async"], why: "is no keyword of JSON Schema" };
  try {
    if (ajv.validateSchema(schema) !== true) return asBroken(ajv.errors?.[0]);
    const test: ValidateFunction = ajv.compile(schema);
    const faultsOf = (body: unknown): readonly Fault[] => {
      if (body === undefined) return [{ pointer: "", detail: "is neither JSON nor a form" }];
      return test(body) ? [] : (test.errors ?? []).slice(0, MOST_FAULTS).map(faultOf);
    };
    return { kind: "compiled", faultsOf };
  } catch (error) {
    const why = reasonOf(error);
    const unknown = /unknown keyword: "(.+)"/.exec(why)?.[1];
    if (unknown === undefined) return { kind: "broken", path: [], why: `is no usable JSON Schema: ${why}` };
    const meant = closestMatch(unknown, Object.keys(ajv.RULES.keywords));
    const path = pathOfKeyword(unknown, schema) ?? [];
    return { kind: "broken", path, why: `has no keyword ${unknown} (did you mean ${meant}?)` };
  }
}

/** By the JSON Schema of JSON Schemas. */
function asBroken({ instancePath, message, params }: Partial<ErrorObject> = {}): Compiled {
  const path = (instancePath ?? "").split("/").slice(1).map(unescaped);
  const allowed: unknown = params?.["allowedValues"];
  return { kind: "broken", path, why: Array.isArray(allowed) ? `must be ${allowed.join(" or ")}` : `${message}` };
}

const unescaped = (segment: string): string => segment.replaceAll("~1", "/").replaceAll("~0", "~");

/** Keywords under which names stand that are none. */
const NAMES = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);

/** Where the schema stands that has it. */
function pathOfKeyword(keyword: string, schema: unknown, areNames = false): string[] | undefined {
  if (typeof schema !== "object" || schema === null) return undefined;
  if (!areNames && Object.hasOwn(schema, keyword)) return [];
  for (const [name, inner] of Object.entries(schema)) {
    const path = pathOfKeyword(keyword, inner, !areNames && NAMES.has(name));
    if (path !== undefined) return [name, ...path];
  }
  return undefined;
}

function faultOf({ instancePath, message = "is not valid", params, keyword }: ErrorObject): Fault {
  const detail = keyword === "additionalProperties" ? `${message}: ${params["additionalProperty"]}` : message;
  return { pointer: instancePath, detail };
}
