import { describe, expect, test } from "@jest/globals";
import { one, rulesIn } from "./rules-text.ts";

describe("a rules file", () => {
  test("is read in its order, behind it the rule of the settings", () => {
    const rules = rulesIn("version: 1\nrules: [{ name: b, match: { path: /b } }, { name: a, match: { path: /a } }]");
    expect(rules.map(({ name }) => name)).toEqual(["b", "a", "default"]);
  });

  test("may be JSON", () => {
    const text = JSON.stringify({ version: 1, rules: [{ name: "a", match: { path: "/a" }, retention: "1h" }] });
    expect(rulesIn(text)[0]).toMatchObject({ name: "a", retentionMs: 3_600_000 });
  });

  test("takes from the settings what it does not say itself", () => {
    const [rule, fallback] = rulesIn(one(""), { ONCEGATE_RETENTION: "2h", ONCEGATE_SCOPE: "header:x-tenant" });
    expect({ ...rule, name: "", match: 0 }).toEqual({ ...fallback, name: "", match: 0 });
  });

  test("says everything of a rule that DESIGN, section 7 shows, as far as it is built", () => {
    const [rule] = rulesIn(`
version: 1
rules:
  - name: create-sales-document
    match: { methods: [POST], path: /api/**, body: { request: saveSalesDocument }, bodyAbsent: [id] }
    key: { from: [ "header:x-idempotency-key", "body:temporaryUUID" ], pattern: "[A-Za-z0-9.-]{1,128}", required: false }
    scope: [ "body:clientCode" ]
    trustScope: false
    retention: 24h
    fingerprint: { ignore: [ "body:sessionKey" ] }
    onCompleted: reject
    onInFlight: { wait: 10s }
    outcome:
      release: [ { body: "/status/errorCode", in: [1010, 1014, 1016] }, { status: [400, 422] } ]
      unknown: [ { status: [502, 504] } ]
    errors: { format: erply, codes: { already-completed: 1206, operation-in-flight: 1204 } }
`);
    expect({ ...rule, outcome: rule?.outcome.slice(0, 3) }).toMatchObject({
      match: {
        methods: ["POST"],
        path: /^\/api(?:\/[^/]+)*\/?$/s,
        body: [
          { field: "request", is: "one-of", texts: ["saveSalesDocument"] },
          { field: "id", is: "absent" },
        ],
      },
      key: { headers: ["x-idempotency-key"], fields: ["temporaryUUID"], maxLength: 255, isRequired: false },
      scope: [{ from: "body", name: "clientCode" }],
      retentionMs: 86_400_000,
      fingerprint: { mode: "content", ignore: { fields: ["sessionKey"], query: [] } },
      onCompleted: "reject",
      inFlightWaitMs: 10_000,
      outcome: [
        { verdict: "release", when: [{ on: "body", pointer: "/status/errorCode", among: ["1010", "1014", "1016"] }] },
        {
          verdict: "release",
          when: [
            {
              on: "status",
              ranges: [
                [400, 400],
                [422, 422],
              ],
            },
          ],
        },
        {
          verdict: "unknown",
          when: [
            {
              on: "status",
              ranges: [
                [502, 502],
                [504, 504],
              ],
            },
          ],
        },
      ],
      errors: { format: "erply", codes: { "already-completed": 1206, "operation-in-flight": 1204 } },
    });
  });

  test("keeps the order of its outcome, and behind it the lists of the settings that it does not give", () => {
    const [rule] = rulesIn(one("    outcome: { store: [{ status: [500-599] }], release: [{ status: [400] }] }"));
    expect(rule?.outcome.map(({ verdict, when }) => [verdict, when[0]])).toEqual([
      ["store", { on: "status", ranges: [[500, 599]] }],
      ["release", { on: "status", ranges: [[400, 400]] }],
      ["release", { on: "status", ranges: [[503, 503]] }],
      [
        "unknown",
        {
          on: "status",
          ranges: [
            [502, 502],
            [503, 503],
            [504, 504],
          ],
        },
      ],
      ["release", { on: "status", ranges: [[508, 508]] }],
    ]);
  });

  test("checks bodies with a JSON Schema, in it or beside it", () => {
    const schema = { type: "object", required: ["data"], properties: { data: { type: "string" } } };
    const inside = rulesIn(one(`    schema: ${JSON.stringify(schema)}`))[0];
    const beside = rulesIn(one("    schema: document.json"), {}, { "document.json": JSON.stringify(schema) })[0];
    for (const rule of [inside, beside]) {
      expect(rule?.faultsOf?.({ data: "x" })).toEqual([]);
      expect(rule?.faultsOf?.({ data: 1 })).toEqual([{ pointer: "/data", detail: "must be string" }]);
      expect(rule?.faultsOf?.(undefined)).toEqual([{ pointer: "", detail: "is neither JSON nor a form" }]);
    }
  });
});
