import type { Fields } from "./fields.ts";
import { problemAnswer } from "./problem.ts";
import type { Problem, ProblemAnswer, ProblemCode } from "./problem.ts";

/**
 * The form in which clients of an API expect refusals. `problem`: RFC 9457, as without rules. Of the other forms only what the
 * rule has a code for is said so; what that API has no word for stays a problem document with a status of its own.
 */
export type ErrorForm =
  | { format: "problem"; statuses: Partial<Record<ProblemCode, number>> }
  /** HTTP 200 and an error code in the body's `status`. */
  | { format: "erply"; codes: Codes }
  /** HTTP 200 and an `error` with a number, for the request's own `id`. */
  | { format: "jsonrpc"; codes: Codes }
  /** An `error` object, and `Stripe-Should-Retry`, which its libraries obey. */
  | { format: "stripe" };

type Codes = Partial<Record<ProblemCode, number>>;

/** Says a problem to one request's client. */
export type Voice = (problem: Problem, requestId: string) => ProblemAnswer;

export const PLAIN: Voice = problemAnswer;

/** `fields`: of the request's body, where it was read. */
export function voiceOf(form: ErrorForm, fields?: Fields): Voice {
  switch (form.format) {
    case "problem":
      return (problem, requestId) =>
        problemAnswer({ ...problem, status: form.statuses[problem.code] ?? problem.status }, requestId);
    case "erply":
      return coded(form.codes, (errorCode) => ({
        status: {
          request: fields?.text("request") ?? "",
          responseStatus: "error",
          errorCode,
          errorField: null,
          generationTime: 0,
          recordsTotal: 0,
          recordsInResponse: 0,
        },
        records: [],
      }));
    case "jsonrpc":
      return coded(form.codes, (code, document) => ({
        jsonrpc: "2.0",
        id: requestIdIn(fields),
        error: { code, message: document["title"], data: document },
      }));
    case "stripe":
      return stripe;
  }
}

type Document = Record<string, unknown>;

function coded(codes: Codes, body: (code: number, document: Document) => Document): Voice {
  return (problem, requestId) => {
    const plain = problemAnswer(problem, requestId);
    const code = codes[problem.code];
    return code === undefined ? plain : rewritten(plain, { status: 200, document: body(code, plain.document) });
  };
}

/** https://docs.stripe.com/api/errors: `idempotency_error` is about keys, `api_error` about everything that is not the request's fault. */
function stripe(problem: Problem, requestId: string): ProblemAnswer {
  const plain = problemAnswer(problem, requestId);
  const { code, detail, retryable } = plain.document;
  const type =
    plain.status >= 500 ? "api_error" : code === "validation-failed" ? "invalid_request_error" : "idempotency_error";
  const answer = rewritten(plain, { document: { error: { type, code, message: detail, request_id: requestId } } });
  answer.headers.push("Stripe-Should-Retry", String(retryable));
  return answer;
}

function rewritten(
  plain: ProblemAnswer,
  { status = plain.status, document }: { status?: number; document: Document },
): ProblemAnswer {
  const [, , ...headers] = plain.headers; // without Content-Type, which comes first
  return {
    status,
    headers: ["Content-Type", "application/json", ...headers],
    document,
    body: Buffer.from(JSON.stringify(document)),
  };
}

/** A string, a number or null (JSON-RPC 2.0, section 4); null where it could not be read. */
function requestIdIn(fields: Fields | undefined): unknown {
  const body = fields?.whole();
  const id: unknown = typeof body === "object" && body !== null && "id" in body ? body.id : null;
  return typeof id === "string" || typeof id === "number" ? id : null;
}
