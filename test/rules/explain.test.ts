import { describe, expect, test } from "@jest/globals";
import { oncegate } from "./command.ts";

describe("oncegate explain", () => {
  test("says of a pasted curl line which rule governs, its key, its scope, what a retry must have in common, and what would happen", async () => {
    const curl = `curl -sS 'https://x.example.com/api/' \\
      -H "x-key: k-1" -d 'request=saveSalesDocument&clientCode=7&sessionKey=abc' --data-raw 'note=it'\\''s'`;
    expect(await oncegate(["explain", "--curl", curl])).toEqual({
      code: 0,
      said: [
        "request:       POST /api/, 63 bytes",
        "looked at:     create, default; its body is read as form",
        "rule:          create",
        "key:           k-1",
        "scope from:    field clientCode in its body",
        'scope:         ["sources","7"]',
        "same request:  POST /api/, body compared as form: request=saveSalesDocument&clientCode=7&note=it's",
        "outcome:       an operation: executed once",
        "a retry:       is refused: already-completed, for 86400 s; while the first runs it waits 10 s, then is refused",
      ],
      complained: [],
    });
  });

  test("says where the credential stands, and not what stands there", async () => {
    const rules = `version: 1
rules:
  - name: create
    match: { path: /api }
    key: { from: ["body:uuid"] }
    credential: ["body:sessionKey", "header:x-session"]
    fingerprint: { ignore: ["body:sessionKey"] }`;
    const explained = async (body: string) => {
      const args = ["explain", "--curl", `curl /api -d '${body}'`];
      return (await oncegate(args, { ONCEGATE_RULES: "own.yaml" }, { "own.yaml": rules })).said;
    };
    const said = await explained("uuid=k&sessionKey=secret-1");
    expect(said).toContain("credential:    field sessionKey in its body, beside Authorization, X-Api-Key or Cookie");
    expect(said.join("\n")).not.toContain("secret-1");
    expect((await explained("uuid=k")).at(-1)).toBe(
      "outcome:       refused with 400 scope-missing (Nothing says whose key this is): The request has no field sessionKey in its body and no header x-session.",
    );
  });

  test("says what a retry of an unknown one asks the API", async () => {
    const post = (body: string) =>
      oncegate([
        "explain",
        "--curl",
        `curl /invoices -H 'x-idempotency-key: k' -H 'authorization: Bearer a' --json '${body}'`,
      ]);
    expect((await post('{"number":"1/7"}')).said.slice(-2)).toEqual([
      "where unknown: a retry asks GET /invoices?q=1%2F7; what stands at /data, whose /number is the field number in its body, not older by /at, is replayed",
      "               an empty list or null (or 404) twice, 345 s apart: it is executed",
    ]);
    expect((await post('{"number":""}')).said.at(-1)).toBe(
      "where unknown: a retry asks nothing: the request lacks what the question is made of",
    );
  });

  const file = (text: string) => oncegate(["explain", "--request", "a.http"], {}, { "a.http": text });

  test.each([
    [
      "no key where there must be one",
      "POST /orders\n",
      "refused with 400 key-missing (Idempotency key missing): POST needs an idempotency key here, in x-idempotency-key or idempotency-key.",
    ],
    [
      "a body that the schema refuses",
      '# an order\nPOST https://x/orders HTTP/1.1\nIdempotency-Key: k\nContent-Type: application/json\n\n{"sum": 1}\n',
      "refused with 400 validation-failed (Body not as the API expects it): The body must have required property 'total'.",
    ],
    [
      "a key of another form",
      'POST /api\nContent-Type: application/json\nX-Key: K 1\n\n{"request":"saveSalesDocument"}',
      "refused with 400 key-invalid (Idempotency key invalid): x-key is not of the form that keys have here.",
    ],
    [
      "no scope",
      'POST /api\nContent-Type: application/json\nX-Key: k\n\n{"request":"saveSalesDocument"}',
      "refused with 400 scope-missing (Nothing says whose key this is): The request has no field clientCode in its body, or more than one.",
    ],
    [
      "what the guard refuses",
      "POST /api/../x\nX-Key: k\n",
      "refused with 400 bad-request (Request cannot be read): The path of a POST must be in its plain form: no empty or dot segments, no encoded slash, backslash or control character.",
    ],
    [
      "no key anywhere",
      "POST /elsewhere\n\nx",
      "passes through, its body unread: no rule on its route can find a key in it",
    ],
    [
      "a body that cannot be read where a rule goes by it",
      'POST /api\nContent-Type: application/json\n\n{"request":',
      "refused with 400 bad-request (Request cannot be read): What becomes of this request depends on its body, and that is not JSON, a form or multipart that can be read as its Content-Type says, without a Content-Encoding.",
    ],
    [
      "a rule that finds no key",
      "POST /api\nContent-Type: application/x-www-form-urlencoded\n\nx\n### another\nGET /",
      "passes through: no rule governs it, or the one that does finds no key",
    ],
  ])("says of a file what would happen: %s", async (_, text, outcome) => {
    const { code, said } = await file(text);
    expect([code, said.at(-1)]).toEqual([0, `outcome:       ${outcome}`]);
  });

  test("says that a rule only observes", async () => {
    const observing = async (env: Record<string, string>) => {
      const { said } = await oncegate(["explain", "--curl", "curl /orders -d a=1"], env);
      return said.filter((line) => /^(rule|mode|outcome)/.test(line));
    };
    const refused = expect.stringContaining("outcome:       refused with 400 key-missing");
    expect(await observing({})).toEqual(["rule:          orders", refused]);
    expect(await observing({ ONCEGATE_MODE: "observe" })).toEqual([
      "rule:          orders",
      "mode:          observes: all is executed; what would be refused or replayed is counted and logged",
      refused,
    ]);
  });

  test("says of an edit without a key whose turn it waits for", async () => {
    const rules = `version: 1
rules:
  - name: edit
    match: { path: /documents }
    scope: [ "header:x-customer" ]
    serialize: { document: "body:id", kind: invoice }`;
    const request = 'POST /documents\nContent-Type: application/json\nX-Customer: 7\n\n{"id":17}';
    const args = ["explain", "--request", "a.http"];
    const { said } = await oncegate(args, { ONCEGATE_RULES: "own.yaml" }, { "a.http": request, "own.yaml": rules });
    expect(said.filter((line) => /^(key|turn|outcome)/.test(line))).toEqual([
      "key:           none: its answer is not kept",
      "turn:          of document invoice 17, for which it waits up to 5 s",
      "outcome:       executed when it is its turn; sent again, it is executed again",
    ]);
  });

  test("says what is a duplicate, what it gets and how long, and how often the API is tried and when it is left alone", async () => {
    const rules = `version: 1
rules:
  - name: create
    match: { path: /documents }
    scope: [ "header:x-customer" ]
    duplicates: { fields: [ "body:number", "header:x-org" ], window: 1h, then: replay, unless: "header:x-another" }
    retry: { tries: 3, within: 10s }
    breaker: { failures: 5, coolOff: 30s }`;
    const explained = async (head: string, body = '{"number":17}', used = rules) => {
      const request = `POST /documents\nContent-Type: application/json\nX-Customer: 7\n${head}\n${body}`;
      const args = ["explain", "--request", "a.http"];
      const { said } = await oncegate(args, { ONCEGATE_RULES: "own.yaml" }, { "a.http": request, "own.yaml": used });
      return said.slice(said.findIndex((line) => line.startsWith("key"))).filter((line) => !line.startsWith("scope"));
    };
    const DUPLICATE = [
      "a duplicate:   is answered as the first was, with the same credential, for 3600 s after that one completed",
      "               it has in common with it: field number in its body, header x-org",
    ];
    const SENDING = [
      "sending:       tried up to 3 times within 10 s: what was never sent, and 429 and 503 with Retry-After that began nothing",
      "a circuit:     after 5 failures in a row in this scope nothing is sent for 30 s: circuit-open",
    ];
    expect(await explained("")).toEqual([
      "key:           none: it is known by what it has in common with its duplicates",
      "outcome:       an operation: executed once",
      ...DUPLICATE,
      '               one that says "true" in header x-another is none',
      ...SENDING,
    ]);
    expect((await explained("X-Idempotency-Key: k\nX-Another: yes\n")).slice(2)).toEqual([
      "outcome:       an operation: executed once",
      "a retry:       is answered as the first was, with the same credential, for 86400 s; while the first runs it is refused at once",
      ...DUPLICATE,
      "               this request is none: it says so, in header x-another",
      ...SENDING,
    ]);
    expect(await explained("X-Idempotency-Key: k\n", "{}")).toContain(
      "a duplicate:   is not looked for: the request has nothing of what counts: field number in its body, header x-org",
    );
    const observed = await explained("", undefined, rules.replace("then: replay", "then: observe"));
    expect(observed.slice(0, 3)).toEqual([
      "key:           none: its answer is not kept",
      "outcome:       executed; what it is a duplicate of is only counted and logged",
      "a duplicate:   is executed, counted and logged, for 3600 s after that one completed",
    ]);
    const refused = await explained("", undefined, rules.replace("then: replay", "then: reject"));
    expect(refused[2]).toBe("a duplicate:   is refused: duplicate, for 3600 s after that one completed");
  });

  test.each([
    ["neither", ["explain"], 2],
    ["a line of something else", ["explain", "--curl", "wget http://x"], 1],
    ["a form, which would have to be made up", ["explain", "--curl", "curl -F a=b http://x"], 1],
    ["a file that is not there", ["explain", "--request", "none.http"], 1],
  ])("complains about %s", async (_, args, code) => {
    const told = await oncegate(args);
    expect([told.code, told.said, told.complained[0]]).toEqual([code, [], expect.stringContaining("oncegate explain")]);
  });
});
