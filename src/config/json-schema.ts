import { Ajv } from "ajv";
import type { ErrorObject, ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Fault } from "../domain/rule.ts";

/** Unknown keywords and formats are mistakes; the rest of ajv's strictness is about style. */
const STRICT = { strict: false, strictSchema: true, strictNumbers: true } as const;
/** More than a client can mend at once, and each costs time on a body that somebody sends. */
const MOST_FAULTS = 10;
const DRAFT_07 = /^https?:\/\/json-schema\.org\/draft-07\//;

/**
 * A JSON Schema as a test of bodies: of draft 2020-12, or of draft-07 where it says so. Throws where the schema is broken, or has
 * a keyword or format that would silently check nothing.
 */
export function compileSchema(schema: object): (body: unknown) => readonly Fault[] {
  const dialect = "$schema" in schema && DRAFT_07.test(String(schema.$schema)) ? Ajv : Ajv2020;
  const test: ValidateFunction = new dialect(STRICT).compile(schema);
  return (body) => {
    if (body === undefined) return [{ pointer: "", detail: "is neither JSON nor a form" }];
    return test(body) ? [] : (test.errors ?? []).slice(0, MOST_FAULTS).map(faultOf);
  };
}

function faultOf({ instancePath, message = "is not valid", params, keyword }: ErrorObject): Fault {
  const detail = keyword === "additionalProperties" ? `${message}: ${params["additionalProperty"]}` : message;
  return { pointer: instancePath, detail };
}
