import { describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../src/cli.ts";

/** oncegate check and oncegate explain. */
const RULES = `
version: 1
rules:
  - name: create
    match: { path: /api/**, body: { request: saveSalesDocument }, bodyAbsent: [id] }
    key: { from: ["header:x-key", "body:temporaryUUID"], pattern: "[a-z0-9-]+" }
    scope: ["body:clientCode"]
    fingerprint: { ignore: ["body:sessionKey"] }
    onCompleted: reject
    onInFlight: { wait: 10s }
  - name: orders
    match: { path: /orders }
    key: { required: true }
    schema: { type: object, required: [total] }
  - name: invoices
    match: { path: /invoices }
    probe: { request: { path: "/invoices?q={body:number}" }, found: /data, equals: { /number: "body:number" }, since: /at, absent: [404] }
`;
type Told = { code: number; said: string[]; complained: string[] };

async function oncegate(
  args: string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): Promise<Told> {
  const told: Told = { code: 0, said: [], complained: [] };
  told.code = await run({
    args,
    env: { ONCEGATE_UPSTREAM_URL: "http://127.0.0.1:1", ONCEGATE_RULES: "rules.yaml", ...env },
    version: "0",
    readFile: (path) => {
      const text = { "rules.yaml": RULES, ...files }[path];
      if (text === undefined) throw new Error(`ENOENT: ${path}`);
      return text;
    },
    print: (text) => told.said.push(...text.split("\n")),
    complain: (text) => told.complained.push(...text.split("\n")),
    nextSignal: () => new Promise(() => {}),
    onHangup: () => {},
    program: ["none"],
  });
  return told;
}

describe("oncegate check", () => {
  test("says that all is well", async () => {
    expect(await oncegate(["check"])).toEqual({
      code: 0,
      said: ["settings and rules are right: create, orders, invoices, default"],
      complained: [],
    });
  });

  test("says what is wrong with the settings and what is wrong with the rules, both", async () => {
    const rules = "version: 1\nrules:\n  - { name: a, match: {}, retenton: 1h }";
    const { code, complained } = await oncegate(["check"], { ONCEGATE_LEASE: "1x" }, { "rules.yaml": rules });
    expect([code, complained]).toEqual([
      2,
      [
        "oncegate cannot start:",
        expect.stringContaining("ONCEGATE_LEASE must be a duration"),
        expect.any(String),
        "rules.yaml:3:27: rules.0 does not know retenton (did you mean retention?)",
      ],
    ]);
  });

  test("says that keys of tokens are none", async () => {
    const told = await oncegate(["check"], { ONCEGATE_JWT_KEYS_FILE: "keys.json" }, { "keys.json": "{}" });
    expect(told).toMatchObject({ code: 2, complained: ["ONCEGATE_JWT_KEYS_FILE holds no JWK Set"] });
  });

  test("with --connect asks the store and the API, which is sent nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "oncegate-check-"));
    let received = 0;
    const api = createServer((socket) => void socket.on("data", ({ length }) => (received += length))).listen(
      0,
      "127.0.0.1",
    );
    await once(api, "listening");
    const env = {
      ONCEGATE_STORE: `sqlite:${join(folder, "a.db")}`,
      ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
    };
    expect(await oncegate(["check", "--connect"], env)).toMatchObject({
      code: 0,
      said: [expect.any(String), "the store: reached", "the API: reached"],
    });
    api.close();
    await once(api, "close");
    expect(await oncegate(["check", "--connect"], env)).toMatchObject({
      code: 1,
      complained: [expect.stringContaining("ECONNREFUSED")],
    });
    expect(received).toBe(0);
    rmSync(folder, { recursive: true, force: true });
  });
});

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
      "a rule that finds no key",
      "POST /api\n\nx\n### another\nGET /",
      "passes through: no rule governs it, or the one that does finds no key",
    ],
  ])("says of a file what would happen: %s", async (_, text, outcome) => {
    const { code, said } = await file(text);
    expect([code, said.at(-1)]).toEqual([0, `outcome:       ${outcome}`]);
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
