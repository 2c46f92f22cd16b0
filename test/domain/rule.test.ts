import { expect, test } from "@jest/globals";
import { endToEnd } from "../../src/domain/headers.ts";
import { PROBLEMS, problemAnswer } from "../../src/domain/problem.ts";
import type { ProblemCode } from "../../src/domain/problem.ts";
import { keepHead, keep } from "../../src/domain/replay.ts";
import { judge, preferredWaitMs } from "../../src/domain/rule.ts";
import type { Rule } from "../../src/domain/rule.ts";

const rule: Rule = {
  name: "default",
  methods: ["POST"],
  keyHeaders: ["idempotency-key"],
  keyMaxLength: 255,
  requireKey: false,
  scope: "auto",
  fingerprint: "content",
  releaseStatuses: [
    [400, 406],
    [422, 422],
  ],
  unknownStatuses: [[502, 504]],
  retentionMs: 1,
  unknownRetentionMs: 1,
  inFlightWaitMs: 0,
};

test.each([
  [200, [], "store"],
  [201, [], "store"],
  [302, [], "store"],
  [399, [], "store"],
  [400, [], "release"],
  [406, [], "release"],
  [407, [], "store"],
  [409, [], "store"],
  [422, [], "release"],
  [500, [], "store"],
  [502, [], "unknown"],
  [503, [], "unknown"],
  [503, ["Retry-After", "5"], "release"],
  [502, ["Retry-After", "5"], "unknown"],
  [504, [], "unknown"],
] as const)("an answer %i with %j is to %s", (status, headers, verdict) => {
  expect(judge(rule, status, headers)).toBe(verdict);
});

test("an answer that is in both lists is unknown: a key that is freed by mistake makes a second invoice", () => {
  const both: Rule = { ...rule, releaseStatuses: [[500, 599]] };
  expect([judge(both, 502, []), judge(both, 500, [])]).toEqual(["unknown", "release"]);
});

test.each([
  [["wait=5"], 5_000],
  [["respond-async, wait=10"], 10_000],
  [["respond-async", "wait=7"], 7_000],
  [["handling=lenient"], undefined],
  [["await=5"], undefined],
  [undefined, undefined],
])("Prefer %j asks to wait %s ms", (prefer, ms) => expect(preferredWaitMs(prefer)).toBe(ms));

test("only end-to-end fields pass, nominated ones included, in case and order as sent", () => {
  const raw = [
    "X-A",
    "1",
    "Connection",
    "keep-alive, X-Hop",
    "x-hop",
    "2",
    "TE",
    "trailers",
    "x-a",
    "3",
    "Upgrade",
    "h2c",
    "Keep-Alive",
    "timeout=5",
  ];
  expect(endToEnd(raw)).toEqual(["X-A", "1", "x-a", "3"]);
});

test("Set-Cookie is never kept", () => {
  const answer = {
    status: 201,
    headers: ["Set-Cookie", "a=1", "Location", "/1", "set-cookie", "b=2"],
    body: Buffer.from("x"),
  };
  expect(keep(answer)).toEqual({ kind: "answer", ...answer, headers: ["Location", "/1"] });
});

test("of an answer too large to keep, status and Location are kept", () => {
  expect(keepHead(201, ["location", "/1", "X", "y"])).toEqual({ kind: "head", status: 201, location: "/1" });
  expect(keepHead(200, [])).toEqual({ kind: "head", status: 200, location: undefined });
});

test.each(Object.keys(PROBLEMS) as ProblemCode[])("the problem %s is a whole RFC 9457 document", (code) => {
  const { status, headers, body } = problemAnswer({ code, what: "It happened.", members: { since: "now" } }, "id-1");
  const document: unknown = JSON.parse(body.toString());
  expect(headers.slice(0, 2)).toEqual(["Content-Type", "application/problem+json"]);
  expect(document).toMatchObject({
    code,
    status,
    requestId: "id-1",
    since: "now",
    title: PROBLEMS[code].title,
    retryable: PROBLEMS[code].retryable,
  });
  expect(document).toHaveProperty("type", expect.stringMatching(new RegExp(`#${code}$`)));
  expect(document).toHaveProperty("detail", `It happened. ${PROBLEMS[code].next}`);
});
