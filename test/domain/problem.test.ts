import { expect, test } from "@jest/globals";
import { PROBLEMS, problemAnswer } from "../../src/domain/problem.ts";
import type { ProblemCode } from "../../src/domain/problem.ts";

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
