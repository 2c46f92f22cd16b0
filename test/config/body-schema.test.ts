import { describe, expect, test } from "@jest/globals";
import { mistakesIn, one } from "./rules-text.ts";

describe("a broken schema of bodies is told with its line, its column and what was meant:", () => {
  test.each([
    [
      "a broken schema",
      one("    schema: { type: strng }"),
      "conf/rules.yaml:5:21: rules.0.schema.type must be array or boolean or integer or null or number or object or string",
    ],
    [
      "a broken schema, deep",
      one("    schema:\n      properties:\n        a/b: { required: yes }"),
      "conf/rules.yaml:7:26: rules.0.schema.properties.a/b.required must be array",
    ],
    [
      "a schema that checks nothing",
      one("    schema: { propertys: {} }"),
      "conf/rules.yaml:5:13: rules.0.schema has no keyword propertys (did you mean properties?)",
    ],
    [
      "a schema that checks nothing, deep, beside a property of that name",
      one("    schema:\n      properties: { itms: { type: array } }\n      items: { itms: {} }"),
      "conf/rules.yaml:7:14: rules.0.schema.items has no keyword itms (did you mean items?)",
    ],
    [
      "a schema of ajv's own kind, whose test would never fail",
      one("    schema: { $async: true, type: object }"),
      "conf/rules.yaml:5:23: rules.0.schema.$async is no keyword of JSON Schema",
    ],
    [
      "a schema with a pattern that is none",
      one('    schema: { properties: { a: { pattern: "[" } } }'),
      "conf/rules.yaml:5:13: rules.0.schema is no usable JSON Schema: Invalid regular expression",
    ],
    [
      "a schema that is not there",
      one("    schema: none.json"),
      "conf/rules.yaml:5:13: rules.0.schema is no usable JSON Schema: ENOENT",
    ],
  ])("%s", (_, text, expected) => {
    expect(mistakesIn(text)).toEqual([expect.stringContaining(expected)]);
  });

  test("a broken schema in a file of its own is told where it is named", () => {
    const files = { "a.json": '{"properties":{"n":{"type":"nmber"}}}' };
    expect(mistakesIn(one("    schema: a.json"), files)).toEqual([
      expect.stringContaining("5:13: rules.0.schema.properties.n.type must be array or"),
    ]);
  });
});
