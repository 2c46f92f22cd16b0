import { describe, expect, test } from "@jest/globals";
import { load, mistakesIn, one } from "./rules-text.ts";

describe("a mistake is told with its line, its column and what was meant:", () => {
  test.each([
    [
      "an unknown field",
      one("    retenton: 1h"),
      "conf/rules.yaml:5:5: rules.0 does not know retenton (did you mean retention?)",
    ],
    [
      "an unknown field, deep",
      one("    key: { frm: [] }"),
      "conf/rules.yaml:5:12: rules.0.key does not know frm (did you mean from?)",
    ],
    ["no version", "rules:\n  - { name: a, match: {} }", "conf/rules.yaml:1:1: version must be 1"],
    ["no rules", "version: 1\nrules: []", "conf/rules.yaml:2:8: rules must not be empty"],
    ["no name", "version: 1\nrules:\n  - match: {}", "conf/rules.yaml:3:5: rules.0.name is missing"],
    [
      "a name twice",
      "version: 1\nrules:\n  - { name: a, match: { path: /a } }\n  - { name: a, match: { path: /b } }",
      "conf/rules.yaml:4:13: rules.1.name is the name of another rule too",
    ],
    [
      "a method that only reads",
      one("").replace("path: /x", "methods: [GET]"),
      "conf/rules.yaml:4:24: rules.0.match.methods.0 must be POST or PUT or PATCH or DELETE",
    ],
    [
      "an impossible path",
      one("").replace("/x", "api//x"),
      "conf/rules.yaml:4:20: rules.0.match.path must be a path in its plain form that starts with a slash, with * for one segment and ** for any number of them, alone between slashes",
    ],
    [
      "a source of another kind",
      one('    key: { from: ["jwt:sub"] }'),
      "conf/rules.yaml:5:19: rules.0.key.from.0 must be header:NAME or body:FIELD",
    ],
    [
      "a broken pattern",
      one('    key: { pattern: "[" }'),
      "conf/rules.yaml:5:21: rules.0.key.pattern must be a regular expression",
    ],
    [
      "a window that is longer than the answer is kept",
      one('    duplicates: { fields: ["body:a"], then: reject, window: 25h }'),
      "conf/rules.yaml:5:61: rules.0.duplicates.window cannot be longer than the retention: the original's answer is kept no longer",
    ],
    [
      "a field of duplicates that is not an outermost one",
      one('    duplicates: { fields: ["body:/a/b"], then: reject }'),
      "conf/rules.yaml:5:27: rules.0.duplicates.fields can only have fields of the outermost object, by their names",
    ],
    [
      "a field of duplicates that has another one's number",
      one('    duplicates: { fields: ["body:a*[b*=c]"], then: reject }'),
      "conf/rules.yaml:5:27: rules.0.duplicates.fields can only have fields of the outermost object, by their names",
    ],
    ["a broken duration", one("    retention: 24"), "conf/rules.yaml:5:16: rules.0.retention must be a text"],
    [
      "a duration out of bounds",
      one("    retention: 900d"),
      "conf/rules.yaml:5:16: rules.0.retention must be between 1s and 365d",
    ],
    [
      "an operation that is an edit and a delete",
      one('    serialize: { document: "body:id" }\n    exclusive: { document: "body:id" }'),
      "conf/rules.yaml:6:16: rules.0.exclusive cannot go with serialize: an operation is an edit or a delete",
    ],
    [
      "a document that is read from a token",
      one('    serialize: { document: "jwt:sub" }'),
      "conf/rules.yaml:5:28: rules.0.serialize.document must be body:FIELD or query:NAME or path:N or header:NAME",
    ],
    [
      "neither of two forms",
      one("    onInFlight: wait"),
      "conf/rules.yaml:5:17: rules.0.onInFlight must be reject or { wait: 10s }",
    ],
    [
      "one of two forms, with a mistake in it",
      one("    onInFlight: { wait: 1s, wiat: 10s }"),
      "conf/rules.yaml:5:29: rules.0.onInFlight does not know wiat (did you mean wait?)",
    ],
    [
      "an unknown problem",
      one("    errors: { format: erply, codes: { already-complete: 1206 } }"),
      "conf/rules.yaml:5:37: rules.0.errors.codes does not know already-complete (did you mean already-completed?)",
    ],
    [
      "an unknown format",
      one("    errors: { format: soap }"),
      "conf/rules.yaml:5:23: rules.0.errors.format must have as format problem, erply, jsonrpc or stripe",
    ],
    [
      "a status that is no error's",
      one("    errors: { format: problem, statuses: { outcome-unknown: 600 } }"),
      "conf/rules.yaml:5:61: rules.0.errors.statuses.outcome-unknown must be at most 599",
    ],
    [
      "an unknown verdict",
      one("    outcome: { relase: [] }"),
      "conf/rules.yaml:5:16: rules.0.outcome does not know relase (did you mean release?)",
    ],
    [
      "a condition of nothing",
      one("    outcome: { release: [{}] }"),
      "conf/rules.yaml:5:26: rules.0.outcome.release.0 must say what it looks at: status, header or body",
    ],
    [
      "a condition without a value",
      one('    outcome: { release: [{ body: "/a" }] }'),
      "conf/rules.yaml:5:26: rules.0.outcome.release.0 must have in or equals, one of them, where it has body, and only there",
    ],
    [
      "a breaker that never opens",
      one("    breaker: { failures: 0, coolOff: 30s }"),
      "conf/rules.yaml:5:26: rules.0.breaker.failures must be at least 1",
    ],
    [
      "one try, which is no retry",
      one("    retry: { tries: 1 }"),
      "conf/rules.yaml:5:21: rules.0.retry.tries must be at least 2",
    ],
    [
      "a list with a place that nothing stands for",
      one('    reconcile: { list: "/invoices?since={since}", invoices: /data, id: /id, number: /number }'),
      "conf/rules.yaml:5:24: rules.0.reconcile.list must be a path that starts with a slash, with no other places than {from}, {date}, {page}",
    ],
    [
      "a list without what to compare",
      one("    reconcile: { list: /invoices, invoices: /data, id: /id }"),
      "conf/rules.yaml:5:16: rules.0.reconcile.number is missing",
    ],
    [
      "a rule that never governs",
      "version: 1\nrules:\n  - { name: a, match: {} }\n  - name: b\n    match: { path: /b }",
      "conf/rules.yaml:5:12: rules.1.match never governs: the rule a before it takes every such request",
    ],
    [
      "a pointer where fields are ignored",
      one('    fingerprint: { ignore: ["body:/a/b"] }'),
      "conf/rules.yaml:5:28: rules.0.fingerprint.ignore can only have fields of the outermost object, by their names",
    ],
    ["no YAML", "version: 1\nrules: [", "conf/rules.yaml:2:9: "],
    ["a field twice", one("    retention: 1h\n    retention: 2h"), "conf/rules.yaml:6:5: Map keys must be unique"],
    ["an empty file", "", "conf/rules.yaml:1:1: the file must be a map"],
  ])("%s", (_, text, expected) => {
    expect(mistakesIn(text)).toEqual([expect.stringContaining(expected)]);
  });

  test("all mistakes are told at once", () => {
    expect(mistakesIn(one("    retention: 1x\n    onCompleted: no\n    trustScope: 1"))).toHaveLength(3);
  });

  test("also those that only a rule as a whole shows, of rules that can be read", () => {
    const second = "\n  - name: b\n    match: { path: /y }\n    schema: { type: strng }\n    retenton: 1h";
    const third = '\n  - { name: c, match: { path: /z }, duplicates: { fields: ["body:/a"], then: reject } }';
    expect(mistakesIn(one("    schema: { propertys: {} }") + second + third)).toEqual([
      expect.stringContaining("5:13: rules.0.schema has no keyword propertys"),
      expect.stringContaining("9:5: rules.1 does not know retenton"),
      expect.stringContaining("10:59: rules.2.duplicates.fields can only have"),
    ]);
  });

  test("a file that is not there", () => {
    const loaded = load("", { ONCEGATE_RULES: "none.yaml" });
    expect(loaded).toMatchObject({
      kind: "refused",
      mistakes: [{ file: "none.yaml", what: expect.stringContaining("ENOENT") }],
    });
  });
});
