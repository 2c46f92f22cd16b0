import { describe, expect, test } from "@jest/globals";
import { doubtsIn, mistakesIn, one } from "./rules-text.ts";

/** What a rule has the API asked, and to whom it shows what is stored. */
describe("a mistake that would show or release too much is told with its line and its column:", () => {
  test.each([
    [
      "a probe that would release too early",
      one('    probe: { request: { path: "/i/{body:n}" }, found: /data, after: 5m }'),
      "conf/rules.yaml:5:69: rules.0.probe.after must be at least 345s: so long the API may still be working on it",
    ],
    [
      "a probe that searches, and would take what it finds for the result",
      one('    probe: { request: { path: "/i?q={body:n}" }, found: /data }'),
      'conf/rules.yaml:5:12: rules.0.probe needs equals: it searches, and what it finds may be another one: equals: { /number: "body:number" }',
    ],
    [
      "a probe of a list",
      one("    probe: { request: { path: /invoices }, found: /data/last }"),
      "conf/rules.yaml:5:12: rules.0.probe needs equals",
    ],
    [
      "a probe of a place in a list",
      one('    probe: { request: { path: "/customers/{body:c}/invoices" }, found: /data/0 }'),
      "conf/rules.yaml:5:12: rules.0.probe needs equals",
    ],
    [
      "a probe that searches below one thing",
      one('    probe: { request: { path: "/customers/{body:c}?number={body:n}" }, found: /invoice }'),
      "conf/rules.yaml:5:12: rules.0.probe needs equals",
    ],
    [
      "trust in what anybody can write",
      one('    trustScope: true\n    scope: ["body:clientCode"]'),
      "conf/rules.yaml:5:17: rules.0.trustScope needs a scope that nobody can choose freely",
    ],
    [
      "trust in a token that nobody verifies",
      one('    trustScope: true\n    scope: ["jwt:org"]'),
      "conf/rules.yaml:5:17: rules.0.trustScope needs keys that the token is verified with",
    ],
    [
      "an authorisation that every customer of the API has, for a scope that anybody can write",
      one('    scope: ["body:clientCode", "path:2"]\n    authorize: { request: { path: "/orgs/{path:2}/me" } }'),
      "conf/rules.yaml:6:27: rules.0.authorize.request must ask about body:clientCode, which",
    ],
    [
      "an authorisation that asks about what a retry may have otherwise",
      one('    fingerprint: { ignore: ["body:org"] }\n    authorize: { request: { path: "/orgs/{body:/org/id}/me" } }'),
      "conf/rules.yaml:6:27: rules.0.authorize.request asks about body:/org/id, in which a retry may differ by the rule's fingerprint",
    ],
    [
      "an authorisation that asks about what a retry's key alone does not say",
      one('    fingerprint: { mode: none }\n    authorize: { request: { path: "/orgs/{query:org}/me" } }'),
      "conf/rules.yaml:6:27: rules.0.authorize.request asks about query:org, in which a retry may differ",
    ],
    [
      "an authorisation that asks about what a duplicate may have otherwise",
      one(
        '    duplicates: { fields: ["body:number", "body:cust*"], then: replay }\n    authorize: { request: { path: "/of/{path:1}/{body:customer}/{body:org}" } }',
      ),
      "conf/rules.yaml:6:27: rules.0.authorize.request asks about body:org, in which a duplicate may differ from what it is shown: duplicates.fields must have it",
    ],
    [
      "the same in a header that is not part of the scope",
      one(
        '    scope: ["header:x-tenant"]\n    duplicates: { fields: ["body:number"], then: replay }\n    authorize: { request: { path: "/of/{header:x-tenant}/{header:x-org}" } }',
      ),
      "conf/rules.yaml:7:27: rules.0.authorize.request asks about header:x-org, in which a duplicate may differ",
    ],
    [
      "an authorisation by an API whose status is always 200",
      one("    errors: { format: erply, codes: {} }\n    authorize: { request: { path: /me } }"),
      "conf/rules.yaml:6:27: rules.0.authorize.request is answered with HTTP 200 by an API of the form erply",
    ],
    [
      "a credential that is not sent by itself, in a token",
      one('    credential: ["jwt:sub"]'),
      "conf/rules.yaml:5:18: rules.0.credential.0 must be header:NAME or body:FIELD or query:NAME",
    ],
    [
      "an authorisation without the credential",
      one('    credential: ["body:session"]\n    authorize: { request: { path: /me } }'),
      "conf/rules.yaml:6:27: rules.0.authorize.request must have the credential body:session in it, in a header for instance",
    ],
    [
      "a probe without the credential, which would find nothing",
      one(
        '    credential: ["query:t"]\n    probe: { request: { path: "/i/{body:n}", headers: { x-s: "header:t" } }, found: "" }',
      ),
      "conf/rules.yaml:6:23: rules.0.probe.request must have the credential query:t in it",
    ],
    [
      "a question with a header that could make another request of it",
      one(
        '    authorize: { request: { path: /me, headers: { x-http-method-override: "header:x-http-method-override" } } }',
      ),
      "conf/rules.yaml:5:75: rules.0.authorize.request.headers.x-http-method-override is none that a rule may set",
    ],
  ])("%s", (_, text, expected) => {
    expect(mistakesIn(text)).toEqual([expect.stringContaining(expected)]);
  });

  test("a probe that has no answer to read", () => {
    expect(mistakesIn(one("    probe: { request: { method: HEAD, path: /i }, found: data, absent: [401] }"))).toEqual([
      "conf/rules.yaml:5:33: rules.0.probe.request.method must be GET",
      "conf/rules.yaml:5:58: rules.0.probe.found must be a JSON pointer, /data/0 for instance",
      "conf/rules.yaml:5:73: rules.0.probe.absent.0 must be 404 or 410",
    ]);
  });

  test.each([
    ['    scope: ["body:clientCode"]', "body:clientCode"],
    ['    key: { from: ["body:uuid"] }', "body:uuid"],
  ])("what may show answers to others is told, and is no mistake: %s", (lines, read) => {
    const doubt = `conf/rules.yaml:3:5: rules.0 reads ${read} and names no credential`;
    expect(doubtsIn(one(lines))).toEqual([expect.stringContaining(doubt)]);
    for (const settled of ['credential: ["body:session"]', "onCompleted: reject"])
      expect(doubtsIn(one(`${lines}\n    ${settled}`))).toEqual([]);
    const duplicates = 'onCompleted: reject\n    duplicates: { fields: ["body:a"], then: replay }';
    expect(doubtsIn(one(`${lines}\n    ${duplicates}`))).toHaveLength(1);
  });
});
