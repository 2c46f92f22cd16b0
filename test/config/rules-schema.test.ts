import { describe, expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { readdirSync } from "node:fs";
import { parse } from "yaml";
import { PROBLEMS } from "../../src/domain/problem.ts";
import { fromRoot, textOf } from "../docs/named.ts";

/** What editors complete and check a rules file with, as an editor's validator reads it. */
const SCHEMA = JSON.parse(textOf("docs/rules.schema.json")) as object;
const validate = new Ajv2020({ strict: false }).compile(SCHEMA);
const isValid = (file: unknown): boolean => validate(file);

/** Every field that a rule has anywhere, by its path, with what it may be. */
function fieldsIn(node: unknown, path = ""): Map<string, object> {
  const found = new Map<string, object>();
  if (typeof node !== "object" || node === null) return found;
  for (const [name, inner] of Object.entries(node))
    if (name === "properties")
      for (const [field, schema] of Object.entries(inner as Record<string, object>)) {
        found.set(`${path}/${field}`, schema);
        for (const [deeper, one] of fieldsIn(schema, `${path}/${field}`)) found.set(deeper, one);
      }
    else for (const [deeper, one] of fieldsIn(inner, path)) found.set(deeper, one);
  return found;
}

describe("the JSON Schema of the rules file", () => {
  test.each(readdirSync(fromRoot("examples/rules")))("takes %s", (name) => {
    expect([isValid(parse(textOf(`examples/rules/${name}`))), validate.errors]).toEqual([true, null]);
  });

  test("has every field that the documentation lists, and none that it does not, each with a word on it", () => {
    const documented = textOf("docs/rules.md").match(/(?<=^\| )`.*?(?= \|)/gm) ?? [];
    const names = documented.flatMap((cell) => [...cell.matchAll(/`(\w+)(?:[.`])/g)].map(([, name]) => name!));
    const inSchema = [...fieldsIn(SCHEMA).keys()].flatMap((path) => /^\/rules\/(\w+)$/.exec(path)?.[1] ?? []);
    expect(new Set(inSchema.filter((name) => name !== "name"))).toEqual(
      new Set(names.filter((name) => !["bodyPresent", "bodyAbsent"].includes(name))),
    );
    const wordless = [...fieldsIn(SCHEMA)].filter(([, schema]) => !("description" in schema));
    expect(wordless.map(([path]) => path)).toEqual([]);
  });

  const file = (rule: object) => ({ version: 1, rules: [{ name: "a", match: {}, ...rule }] });

  test.each<[string, object]>([
    ["an unknown field", { retenton: "1h" }],
    ["an unknown field, deep", { probe: { request: { path: "/a", metod: "GET" }, found: "/a" } }],
    ["another word than the known ones", { onCompleted: "replya" }],
    ["a duration that is none", { retention: "24 hours" }],
    ["an unknown problem", { errors: { format: "erply", codes: { "already-complete": 1206 } } }],
    ["an unknown form of errors", { errors: { format: "soap" } }],
  ])("shows %s in the editor", (_, rule) => {
    expect([isValid(file({})), isValid(file(rule))]).toEqual([true, false]);
  });

  test("completes the codes of problems", () => {
    const { propertyNames } = fieldsIn(SCHEMA).get("/rules/errors/codes") as { propertyNames: { enum: string[] } };
    expect(propertyNames.enum).toEqual(Object.keys(PROBLEMS));
  });
});
