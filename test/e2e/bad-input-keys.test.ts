import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { INVOICE } from "../support/sample-api.ts";
import { post } from "./keyed-post.ts";
import { oneGateway } from "./one-gateway.ts";
import type { OneGateway } from "./one-gateway.ts";
import { rawAnswer, rawPost } from "./raw-bytes.ts";
import type { RawAnswer } from "./raw-bytes.ts";

let { api, store, gateway, end } = {} as OneGateway;
let before: { invoices: number; records: number };
beforeAll(async () => {
  ({ api, store, gateway, end } = await oneGateway({ ONCEGATE_REQUIRE_KEY: "true" }));
});
afterAll(() => end());
beforeEach(async () => {
  before = await left();
});

const left = async () => ({ invoices: await api.count("/invoices"), records: store.records() });

const BODY = JSON.stringify(INVOICE);

/** A good request but for the header lines that are given. */
function create(lines: readonly string[]): Promise<RawAnswer> {
  const framing = ["Content-Type: application/json", `Content-Length: ${BODY.length}`];
  return rawAnswer(gateway.url, rawPost([...framing, ...lines], BODY));
}

const CREDENTIAL = "Authorization: Bearer customer-1";

type Row = { what: string; lines: string[]; code: string; goodKey?: string };

const REFUSED: Row[] = [
  { what: "no key where one is required", lines: [], code: "key-missing" },
  { what: "an empty key", lines: ["x-idempotency-key: "], code: "key-invalid" },
  { what: "an empty quoted key", lines: ['x-idempotency-key: ""'], code: "key-invalid" },
  { what: "a key of spaces", lines: ["x-idempotency-key:    "], code: "key-invalid" },
  { what: "a key that only opens a quote", lines: ['x-idempotency-key: "open'], code: "key-invalid" },
  { what: "a key of 256 characters", lines: [`x-idempotency-key: ${"k".repeat(256)}`], code: "key-invalid" },
  { what: "a key with a tab", lines: ["x-idempotency-key: a\tb"], code: "key-invalid" },
  { what: "a key with a control character", lines: ["x-idempotency-key: a\u0001b"], code: "bad-request" },
  { what: "a key with a NUL", lines: ["x-idempotency-key: a\u0000b"], code: "bad-request" },
  { what: "a key with a delete character", lines: ["x-idempotency-key: a\u007fb"], code: "bad-request" },
  { what: "a folded key", lines: ["x-idempotency-key: a", " b"], code: "bad-request" },
  {
    what: "a key that is repeated",
    lines: ["x-idempotency-key: repeated", "x-idempotency-key: repeated"],
    code: "key-conflict",
    goodKey: "repeated",
  },
  {
    what: "two keys in lines of one name",
    lines: ["x-idempotency-key: one", "X-Idempotency-Key: two"],
    code: "key-conflict",
    goodKey: "one",
  },
  {
    what: "two names that differ",
    lines: ["x-idempotency-key: conflicting", "idempotency-key: other"],
    code: "key-conflict",
    goodKey: "conflicting",
  },
];

describe("refuses as a problem, sends nothing and keeps nothing:", () => {
  test.each(REFUSED)("$what", async ({ lines, code, goodKey }) => {
    const refused = await create([CREDENTIAL, ...lines]);
    expect([refused.status, refused.headers.get("content-type")]).toEqual([400, ["application/problem+json"]]);
    const problem = JSON.parse(refused.body) as Record<string, unknown>;
    expect(problem).toMatchObject({ code, status: 400, retryable: false });
    expect(String(problem["type"])).toMatch(new RegExp(`#${code}$`));
    expect(String(problem["detail"])).toMatch(/\. \S/); // what happened, and what to do next
    expect(await left()).toEqual(before);

    if (goodKey === undefined) return;
    const good = await create([CREDENTIAL, `x-idempotency-key: ${goodKey}`]);
    expect([good.status, good.headers.get("idempotent-replayed")]).toEqual([201, undefined]);
  });

  test("a key and only a cookie: nothing says whose key it is", async () => {
    const refused = await create(["Cookie: session=1", "x-idempotency-key: cookie-1"]);
    expect([refused.status, refused.headers.get("content-type")]).toEqual([400, ["application/problem+json"]]);
    expect(JSON.parse(refused.body)).toMatchObject({ code: "scope-missing" });
    expect(await left()).toEqual(before);
    const good = await create([CREDENTIAL, "Cookie: session=1", "x-idempotency-key: cookie-1"]);
    expect([good.status, good.headers.get("idempotent-replayed")]).toEqual([201, undefined]);
  });
});

describe("one key, however it is written:", () => {
  const SAME: [string, string[], string[]][] = [
    ["quoted and unquoted", ['x-idempotency-key: "quoted-1"'], ["x-idempotency-key: quoted-1"]],
    ["with escapes in the quotes", ['x-idempotency-key: "a\\"b\\\\c"'], ['x-idempotency-key: a"b\\c']],
    ["under either name", ["x-idempotency-key: named-1"], ["Idempotency-Key: named-1"]],
    [
      "under both names where they are equal",
      ["x-idempotency-key: both-1", 'idempotency-key: "both-1"'],
      ["idempotency-key: both-1"],
    ],
    ["with spaces around it", ["x-idempotency-key:   spaced-1  "], ["x-idempotency-key: spaced-1"]],
    ["of 255 characters", [`x-idempotency-key: ${"k".repeat(255)}`], [`x-idempotency-key: "${"k".repeat(255)}"`]],
  ];
  test.each(SAME)("%s", async (_how, lines, others) => {
    const first = await create([CREDENTIAL, ...lines]);
    expect([first.status, first.headers.get("idempotent-replayed")]).toEqual([201, undefined]);
    const retry = await create([CREDENTIAL, ...others]);
    expect([retry.status, retry.headers.get("idempotent-replayed"), retry.body]).toEqual([201, ["true"], first.body]);
    expect(await left()).toEqual({ invoices: before.invoices + 1, records: before.records + 1 });
  });

  test("keys that differ in case are two keys", async () => {
    expect((await post(gateway.url, "Case-1")).isReplay).toBe(false);
    expect((await post(gateway.url, "case-1")).isReplay).toBe(false);
    expect((await left()).invoices).toBe(before.invoices + 2);
  });
});
