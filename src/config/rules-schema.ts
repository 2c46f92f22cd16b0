import type { Rule } from "../domain/rule.ts";
import { reasonOf } from "../reason.ts";
import { compileSchema } from "./json-schema.ts";
import type { Wrong } from "./mistakes.ts";

/** A rule's `schema`: JSON Schema, or the path of one. undefined where that is `wrong`. */
export function schemaOf(source: string | object, readFile: (path: string) => string, wrong: Wrong): Rule["faultsOf"] {
  try {
    const compiled = compileSchema(typeof source === "string" ? schemaIn(readFile(source)) : source);
    if (compiled.kind === "compiled") return compiled.faultsOf;
    wrong(["schema", ...compiled.path], compiled.why);
  } catch (error) {
    wrong(["schema"], `is no usable JSON Schema: ${reasonOf(error)}`);
  }
  return undefined;
}

function schemaIn(text: string): object {
  const schema: unknown = JSON.parse(text);
  if (typeof schema === "object" && schema !== null) return schema;
  throw new Error("not a JSON object");
}
