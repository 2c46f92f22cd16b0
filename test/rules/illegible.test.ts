import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { gzipSync } from "node:zlib";
import { recordingUpstream } from "../e2e/recording-upstream.ts";
import type { RecordingUpstream } from "../e2e/recording-upstream.ts";
import { expectProblem } from "../support/expect-problem.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";

/** Where rules go by the body, what is in it must be beyond doubt: a request that one of them would govern is none of a laxer one's. */
const CREATE = {
  name: "create",
  match: { path: "/api/**", body: { request: "save" }, bodyAbsent: ["id"] },
  key: { from: ["body:uuid"], required: true },
  errors: { format: "erply", codes: { "bad-request": 1007 } },
};
const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";

let upstream: RecordingUpstream;
let gateway: OpenGateway | undefined;
let executed: number;
beforeEach(async () => {
  upstream = await recordingUpstream();
  executed = 0;
  upstream.answer = (req, res) => {
    req.resume();
    res.writeHead(201).end(String(++executed));
  };
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await upstream.close();
});

async function withRules(...rules: object[]): Promise<void> {
  gateway = await openGateway(
    { ONCEGATE_UPSTREAM_URL: upstream.url },
    { rules: JSON.stringify({ version: 1, rules }) },
  );
  await untilReady(gateway);
}
const post = (body: string | Buffer, headers: Record<string, string>, path = "/api/v1"): Promise<Answer> =>
  send(gateway!.url + path, { headers, body });

const DOUBTFUL: [string, string | Buffer, Record<string, string>][] = [
  ["JSON that ends early", '{"request":"save","uuid":"k"', { "content-type": JSON_TYPE }],
  ["JSON with a comma too many", '{"request":"save","uuid":"k",}', { "content-type": JSON_TYPE }],
  ["JSON in another type", '{"request":"save","uuid":"k"}', { "content-type": "text/plain" }],
  ["a form in Latin-1", Buffer.from("request=save&uuid=k&n=\xe4", "latin1"), { "content-type": FORM }],
  ["multipart without its end", "--x\r\n\r\na", { "content-type": "multipart/form-data; boundary=x" }],
  [
    "JSON that is coded",
    gzipSync('{"request":"save","uuid":"k"}'),
    { "content-type": JSON_TYPE, "content-encoding": "gzip" },
  ],
  ["JSON with a name twice", '{"request":"get","request":"save","uuid":"k"}', { "content-type": JSON_TYPE }],
  ["JSON with a name twice, the other way round", '{"request":"save","request":"get"}', { "content-type": JSON_TYPE }],
  ["a key twice in JSON", '{"request":"save","uuid":"k1","uuid":"k2"}', { "content-type": JSON_TYPE }],
  ["a field twice in a form", "request=save&request=get&uuid=k", { "content-type": FORM }],
  ["one that is there and not, in a form", "request=save&uuid=k&id=&id=7", { "content-type": FORM }],
];

describe("where a rule goes by the body, it is refused and nothing is executed:", () => {
  test("whatever is in doubt, with a key for the laxer rule or without", async () => {
    await withRules(CREATE);
    for (const [what, body, headers] of DOUBTFUL)
      for (const keyed of [headers, { ...headers, "idempotency-key": "k" }]) {
        const answer = await post(body, keyed);
        expect([what, answer.status, answer.fields]).toMatchObject([what, 200, { status: { errorCode: 1007 } }]);
      }
    expect(executed).toBe(0);
  });

  test("as a problem document, with what is wrong in words", async () => {
    await withRules({ ...CREATE, errors: { format: "problem" } });
    const answer = await post('{"a":{"b":1,"b":2}}', { "content-type": JSON_TYPE });
    expectProblem(answer, "bad-request");
    expect(answer.fields["detail"]).toContain("has a name twice in one JSON object");
    const twice = await post("request=save&request=get", { "content-type": FORM });
    expect(twice.fields["detail"]).toContain("depends on request in its body, which is there more than once");
  });

  test.each([
    ["the scope", { scope: ["body:tenant"], credential: ["header:authorization"] }],
    ["the credential", { credential: ["body:session"] }],
    ["a document", { serialize: { document: "body:id" } }],
    ["duplicates", JSON.parse('{"duplicates":{"fields":["body:number"],"then":"reject"}}') as object],
  ])("though only for %s", async (_, rule) => {
    await withRules({ name: "a", match: { path: "/api/**" }, ...rule });
    const headers = { "content-type": JSON_TYPE, "idempotency-key": "k", authorization: "Bearer a" };
    const answer = await post('{"tenant":"t","session":"s","id":1,"number":2', headers);
    expectProblem(answer, "bad-request");
    expect(executed).toBe(0);
  });
});

describe("an operation whose document is there and cannot be read", () => {
  const on = (document: string) => ({
    name: "edit",
    match: { path: "/**" },
    serialize: { document },
    errors: { format: "erply", codes: { "bad-request": 1015 } },
  });
  const json = { "content-type": JSON_TYPE };
  const form = { "content-type": FORM };

  test.each([
    ["a list", "body:id", "/api", json, '{"id":[7]}'],
    ["an object", "body:id", "/api", json, '{"id":{"$eq":7}}'],
    ["a fraction", "body:id", "/api", json, '{"id":7.5}'],
    ["more than a double holds", "body:id", "/api", json, '{"id":9007199254740993}'],
    ["twice in a form", "body:id", "/api", form, "id=7&id=7"],
    ["once empty and once not", "body:id", "/api", form, "id=&id=7"],
    ["twice in the query", "query:id", "/api?id=7&id=8", json, ""],
    ["no UTF-8 in the path", "path:2", "/invoices/%ff", json, ""],
  ])("does not pass without its turn: %s", async (_, document, path, headers, body) => {
    await withRules(on(document));
    for (const keyed of [headers, { ...headers, "idempotency-key": "k" }]) {
      const answer = await post(body, keyed, path);
      expect([answer.status, answer.fields]).toMatchObject([200, { status: { errorCode: 1015 } }]);
    }
    expect(executed).toBe(0);
  });

  test("is told in words what is wrong", async () => {
    await withRules({ ...on("body:id"), errors: { format: "problem" } });
    const answer = await post('{"id":[7]}', json);
    expectProblem(answer, "bad-request");
    expect(answer.fields["detail"]).toContain("depends on the field id in its body, which is not one text or whole");
  });

  test("passes where its rule only observes, and where there is none: not there, or empty", async () => {
    await withRules(
      { ...on("body:id"), match: { path: "/api/**" } },
      { ...on("body:id"), name: "observed", mode: "observe" },
    );
    for (const body of ['{"n":1}', '{"id":""}', '{"id":null}', ""]) expect((await post(body, json)).status).toBe(201);
    expect((await post("id=", form)).status).toBe(201);
    expect((await post('{"id":[7]}', json, "/observed")).status).toBe(201);
    expect(executed).toBe(6);
  });
});

describe("what no rule goes by is no matter:", () => {
  test("on other routes", async () => {
    await withRules(CREATE);
    for (const [what, body, headers] of DOUBTFUL) {
      const keyed = { ...headers, "idempotency-key": what };
      const answers = [await post(body, keyed, "/elsewhere"), await post(body, keyed, "/elsewhere")];
      expect([what, ...answers.map(({ status, replayed }) => [status, replayed])]).toEqual([
        what,
        [201, false],
        [201, true],
      ]);
    }
  });

  test("a field that is there twice and means the same either way, or is read by no rule", async () => {
    await withRules(CREATE);
    const form = { "content-type": FORM };
    expect((await post("request=get&request=list&row=1&row=2", form)).status).toBe(201);
    expect((await post("request=save&request=save&uuid=k&row=1&row=2", form)).status).toBe(201);
    expect((await post("request=save&uuid=k2&row=1&row=2&id=&id=", form)).status).toBe(201);
  });

  test("an empty body", async () => {
    await withRules(CREATE);
    expect((await post("", { "content-type": JSON_TYPE })).status).toBe(201);
  });

  test("where that rule only observes, the others govern", async () => {
    await withRules({ ...CREATE, mode: "observe" });
    // Whose last value of a name twice matches the rule is that rule's.
    const others = DOUBTFUL.filter(([what]) => !/^(?:JSON with a name twice|a key twice in JSON)$/.test(what));
    for (const [what, body, headers] of others) {
      const keyed = { ...headers, "idempotency-key": what };
      const answers = [await post(body, keyed), await post(body, keyed)];
      expect([what, ...answers.map(({ replayed }) => replayed)]).toEqual([what, false, true]);
    }
  });

  test("where all rules observe, it is passed on and counted", async () => {
    gateway = await openGateway(
      { ONCEGATE_UPSTREAM_URL: upstream.url, ONCEGATE_MODE: "observe" },
      { rules: JSON.stringify({ version: 1, rules: [CREATE] }) },
    );
    await untilReady(gateway);
    for (const [what, body, headers] of DOUBTFUL)
      expect([what, (await post(body, headers)).status]).toEqual([what, 201]);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const counted = /oncegate_observed_total\{rule="create",outcome="bad-request"\} (\d+)/.exec(metrics)?.[1];
    expect([counted, executed]).toEqual([String(DOUBTFUL.length), DOUBTFUL.length]);
  });
});
