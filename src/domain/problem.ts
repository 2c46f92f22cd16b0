/**
 * Every refusal of the gateway's own, once (RFC 9457). Replies, docs/problems.md and tests read this table.
 * `statuses`: the first is used unless the place that refuses names another of them.
 * `retryable`: the same request with the same key can succeed later, without anybody acting.
 * `next`: what the client should do, behind what happened.
 * `retryAfter`: seconds, sent as Retry-After.
 */
type Entry = {
  statuses: readonly [number, ...number[]];
  title: string;
  retryable: boolean;
  next: string;
  retryAfter?: number;
};

export const PROBLEMS = {
  "key-missing": {
    statuses: [400],
    title: "Idempotency key missing",
    retryable: false,
    next: "Send a key that is unique to this intent, the same on every retry of it.",
  },
  "key-invalid": {
    statuses: [400],
    title: "Idempotency key invalid",
    retryable: false,
    next: "Send one key of printable characters, a UUID for instance.",
  },
  "key-conflict": {
    statuses: [400],
    title: "More than one idempotency key",
    retryable: false,
    next: "Send exactly one key.",
  },
  "scope-missing": {
    statuses: [400],
    title: "Nothing says whose key this is",
    retryable: false,
    next: "Send the credential that keys are kept apart by.",
  },
  "scope-unverifiable": {
    statuses: [503],
    title: "The keys that tokens are verified with cannot be had",
    retryable: true,
    retryAfter: 5,
    next: "Nothing was sent: it is safe to send it again, with the same key.",
  },
  "validation-failed": {
    statuses: [400],
    title: "Body not as the API expects it",
    retryable: false,
    next: "Nothing was kept or sent on: mend the body and send it again with the same key.",
  },
  "bad-request": {
    statuses: [400],
    title: "Request cannot be read",
    retryable: false,
    next: "Nothing was kept or sent on: mend the request and send it again with the same key.",
  },
  "operation-in-flight": {
    statuses: [409],
    title: "The first request with this key still runs",
    retryable: true,
    retryAfter: 1,
    next: "Retry with the same key to get its answer.",
  },
  "outcome-unknown": {
    statuses: [409, 502, 504],
    title: "Nobody can tell whether the operation was executed",
    retryable: false,
    next: "It is not sent again with this key. Look in the API whether it was carried out; if it was not, send it with a new key.",
  },
  "credential-changed": {
    statuses: [409],
    title: "This key was used with another credential",
    retryable: false,
    next: "Retry with the credential of the first request or, if that is no longer valid, look the result up in the API.",
  },
  "already-completed": {
    statuses: [409],
    title: "The operation was executed already",
    retryable: false,
    next: "Do not repeat it with a new key: read the result from the API.",
  },
  "response-not-kept": {
    statuses: [409],
    title: "The operation was executed, its answer was too large to keep",
    retryable: false,
    next: "Do not repeat it with a new key: read the result from the API.",
  },
  duplicate: {
    statuses: [409],
    title: "The same was asked for already",
    retryable: false,
    next: "Read the result from the API; it was sent once, and not again.",
  },
  "document-deleting": {
    statuses: [409],
    title: "The document is being deleted",
    retryable: true,
    retryAfter: 1,
    next: "Nothing was sent: if the document is still there afterwards, it is safe to send it again.",
  },
  "body-too-large": {
    statuses: [413],
    title: "Body too large for an operation",
    retryable: false,
    next: "Nothing was kept or sent on: send a smaller body.",
  },
  "key-reused": {
    statuses: [422],
    title: "This key belongs to another request",
    retryable: false,
    next: "Use a new key for a new intent; send the same method, path, query and body to retry the first one.",
  },
  "too-many-headers": {
    statuses: [431],
    title: "Head of the request too large",
    retryable: false,
    next: "Nothing was kept or sent on: send fewer and shorter header lines.",
  },
  loop: {
    statuses: [508],
    title: "The request came back to the gateway that sent it",
    retryable: false,
    next: "Nothing was kept or sent on this time: the gateway's upstream leads back to it, which its operator has to mend.",
  },
  "still-running": {
    statuses: [504],
    title: "The operation still runs",
    retryable: true,
    retryAfter: 1,
    next: "It goes on and its answer is kept: retry with the same key to get it.",
  },
  "upstream-unreachable": {
    statuses: [503],
    title: "The API behind the gateway cannot be reached",
    retryable: true,
    retryAfter: 1,
    next: "Nothing was sent: it is safe to send it again, with the same key.",
  },
  "store-unavailable": {
    statuses: [503],
    title: "The gateway's store cannot be reached",
    retryable: true,
    retryAfter: 1,
    next: "Nothing was sent: it is safe to send it again, with the same key.",
  },
  "store-lost-data": {
    statuses: [503],
    title: "The gateway's store lost data",
    retryable: true,
    retryAfter: 30,
    next: "Nothing was sent, and nothing new is until its operator has looked into it: retry later, with the same key.",
  },
  "document-busy": {
    statuses: [503],
    title: "Others are changing the document",
    retryable: true,
    retryAfter: 1,
    next: "Nothing was sent: it is safe to send it again.",
  },
  "circuit-open": {
    statuses: [503],
    title: "The API keeps failing and is left alone for a while",
    retryable: true,
    retryAfter: 1,
    next: "Nothing was sent: send it again after the time in Retry-After, with the same key.",
  },
  overloaded: {
    statuses: [503],
    title: "Too much is under way",
    retryable: true,
    retryAfter: 1,
    next: "Nothing was sent: it is safe to send it again, with the same key.",
  },
  draining: {
    statuses: [503],
    title: "The gateway is stopping",
    retryable: true,
    retryAfter: 1,
    next: "Nothing was sent: it is safe to send it again, with the same key.",
  },
  internal: {
    statuses: [500],
    title: "The gateway failed",
    retryable: false,
    next: "Report the requestId. With an idempotency key it is safe to retry.",
  },
} as const satisfies Record<string, Entry>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Where docs/problems.md is published: `type` of every problem is a link into it. */
const DOCS = "https://github.com/oncegate/oncegate/blob/main/docs/problems.md";

export type Problem = {
  code: ProblemCode;
  /** What happened; what to do next is added from the table. */
  what: string;
  /** What to do next, where the table's words do not fit: for requests without a key. */
  next?: string;
  /** Seconds after which a retry can succeed by itself, where that is known better than in the table. */
  retryAfter?: number;
  /** One of the code's statuses, where not the first. */
  status?: number | undefined;
  /** Further members of the problem document. */
  members?: Record<string, unknown>;
};

export type ProblemAnswer = { status: number; headers: string[]; document: Record<string, unknown>; body: Buffer };

/** The problem document and its head, as it goes to the client. */
export function problemAnswer(problem: Problem, requestId: string): ProblemAnswer {
  const entry: Entry = PROBLEMS[problem.code];
  const status = problem.status ?? entry.statuses[0];
  const document = {
    type: `${DOCS}#${problem.code}`,
    title: entry.title,
    status,
    detail: `${problem.what} ${problem.next ?? entry.next}`,
    code: problem.code,
    retryable: entry.retryable || problem.retryAfter !== undefined,
    requestId,
    ...problem.members,
  };
  const headers = ["Content-Type", "application/problem+json", "Cache-Control", "no-store"];
  const retryAfter = problem.retryAfter ?? entry.retryAfter;
  if (retryAfter !== undefined) headers.push("Retry-After", String(retryAfter));
  return { status, headers, document, body: Buffer.from(JSON.stringify(document)) };
}
