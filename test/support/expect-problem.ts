import { expect } from "@jest/globals";
import { PROBLEMS } from "../../src/domain/problem.ts";
import type { ProblemCode } from "../../src/domain/problem.ts";
import type { Answer } from "./installation.ts";

/** One of the gateway's own answers, with all that the problem table says of it and nothing of anybody's stored answer. */
export function expectProblem(answer: Answer, code: ProblemCode, status: number = PROBLEMS[code].statuses[0]): void {
  const entry: { title: string; retryable: boolean; next: string; retryAfter?: number } = PROBLEMS[code];
  expect(answer).toMatchObject({ status, code, replayed: false });
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("retry-after")).toBe(entry.retryAfter === undefined ? null : String(entry.retryAfter));
  expect(answer.fields).toMatchObject({
    type: expect.stringMatching(new RegExp(`^https://.+/docs/problems\\.md#${code}$`)),
    title: entry.title,
    status,
    code,
    retryable: entry.retryable,
    requestId: expect.stringMatching(/^[\da-f-]{36}$/),
  });
  expect(answer.fields["detail"]).toContain(entry.next);
}
