import type { Problem, ProblemCode } from "./problem.ts";
import type { UnknownReason } from "./record.ts";

/** What happened, in words, for each refusal that an operation can meet. What to do next stands in the problem table. */

export const keyMissing = (method: string, header: string): Problem => ({
  code: "key-missing",
  what: `${method} needs an idempotency key here, in ${header}.`,
});

export const scopeMissing = (what: string): Problem => ({ code: "scope-missing", what });

/** What kept the gateway from getting the keys is for its operator, in the log. */
export const scopeUnverifiable = (): Problem => ({
  code: "scope-unverifiable",
  what: "The token that says whose key this is could not be checked.",
});

export const invalid = (errors: readonly { pointer: string; detail: string }[]): Problem => ({
  code: "validation-failed",
  what: `${errors.map(({ pointer, detail }) => `${pointer === "" ? "The body" : pointer} ${detail}`).join("; ")}.`,
  members: { errors },
});

export type Unreadable = "too-large" | "cut" | "slow" | "overloaded";

export const unreadable = (reason: Unreadable): Problem => {
  switch (reason) {
    case "too-large":
      return { code: "body-too-large", what: "The body is larger than an operation's may be." };
    case "cut":
      return { code: "bad-request", what: "The body ended before it was whole." };
    case "slow":
      return { code: "bad-request", what: "The body did not arrive in time." };
    case "overloaded":
      return { code: "overloaded", what: "The bodies of all operations together are more than may be held." };
  }
};

/** Where a rule goes by the body, and it could be read otherwise than the API does. */
export const illegible = (doubt: "not-read" | "repeated-name"): Problem => ({
  code: "bad-request",
  what:
    doubt === "not-read"
      ? "What becomes of this request depends on its body, and that is not JSON, a form or multipart that can be read as its Content-Type says, without a Content-Encoding."
      : "What becomes of this request depends on its body, and that has a name twice in one JSON object.",
});

export const ambiguous = (field: string): Problem => ({
  code: "bad-request",
  what: `What becomes of this request depends on ${field} in its body, which is there more than once.`,
});

/** `where` its id is read, in words. */
export const illegibleDocument = (where: string): Problem => ({
  code: "bad-request",
  what: `Which requests this one has to wait for depends on the ${where}, which is not one text or whole number.`,
});

/** `since`: when the operation was started, as ISO 8601; also below. */
export const inFlight = (since: string): Problem => ({
  code: "operation-in-flight",
  what: `The first request with this key started at ${since} and has not ended.`,
  members: { since },
});

export const keyReused = (since: string): Problem => ({
  code: "key-reused",
  what: `At ${since} this key came with another method, path, query or body.`,
  members: { since },
});

export const credentialChanged = (): Problem => ({
  code: "credential-changed",
  what: "The answer is kept for the credential that the operation was executed with.",
});

/** `status`: what the API answered to the question whether this credential may see it. */
export const notAuthorized = (status: number): Problem => ({
  code: "credential-changed",
  what: `The API was asked whether this credential may see what is stored, and answered ${status}.`,
  next: "Retry with a credential that the API accepts, or look the result up there.",
});

export const authorizationUnheard = (): Problem => ({
  code: "upstream-unreachable",
  what: "The operation was executed; the API could not be asked whether this credential may see its answer.",
  next: "Nothing was sent a second time: it is safe to retry, with the same key.",
});

export const notKept = (status: number, location: string | undefined): Problem => ({
  code: "response-not-kept",
  what: `The API answered ${status}${location === undefined ? "" : `, Location ${location}`}.`,
  members: { originalStatus: status, ...(location === undefined ? {} : { location }) },
});

export const alreadyCompleted = (): Problem => ({
  code: "already-completed",
  what: "The operation was executed; its answer is not known here.",
});

/** To a retry where the rule rejects repetitions. */
export const rejected = (): Problem => ({
  code: "already-completed",
  what: "The first request with this key was executed; this API's clients are told so instead of its answer.",
});

/** Why an outcome is unknown, in words; `reason` of the problem. */
export const REASONS: Record<UnknownReason, string> = {
  "owner-lost": "the gateway that ran it stopped before it could tell",
  "upstream-silent": "the API did not answer in time",
  "upstream-reset": "the connection to the API broke before its answer",
  "answer-cut": "the API's answer was cut or malformed",
  "answer-unframed": "the API's answer had no length, so a cut one would look whole",
  "unknown-status": "a proxy in front of the API may have answered in its place",
  shutdown: "the gateway had to stop while it ran",
};

/** To a retry of an operation that is unknown: since when, why. */
export const stillUnknown = (since: string, reason: UnknownReason, unended?: Unended): Problem => {
  const what = `The operation was started at ${since}, and ${REASONS[reason]}.`;
  return withUnended({ code: "outcome-unknown", what, members: { since, reason } }, unended);
};

/** What a probe could not end, in words, and when a retry may; without `retryAfter` somebody has to look. */
export type Unended = { what: string; next?: string; retryAfter?: number };

export const withUnended = (problem: Problem, unended: Unended | undefined): Problem =>
  unended === undefined ? problem : { ...problem, ...unended, what: `${problem.what} ${unended.what}` };

export const beingProbed = (): Unended => ({
  what: "The API is being asked whether it was carried out.",
  next: "Send the same request again to hear what it says.",
  retryAfter: 1,
});

export const probeUnheard = (): Unended => ({
  what: "The API could not be asked whether it was carried out.",
  next: "It is not executed again before the API answered that: send the same request again.",
  retryAfter: 5,
});

export const probeUnclear = (): Unended => ({
  what: "The API was asked whether it was carried out, and its answer does not tell.",
});

/** An absence counts only under the credential that would have made it: another one may not be shown it. */
export const absentToAnother = (): Unended => ({
  what: "The API was asked with another credential than the first request's, and does not show it to this one.",
  next: "Retry with the credential of the first request, or look in the API whether it was carried out.",
});

/** Once it was not there; the API may still be working on it. */
export const absentOnce = (againInMs: number): Unended => {
  const retryAfter = Math.ceil(againInMs / 1_000);
  return {
    what: "The API was asked and does not have it, but may still be working on it.",
    next: `Send the same request again in ${retryAfter} s: if it is not there then either, it is executed.`,
    retryAfter,
  };
};

/** To the first caller: 504 where the API fell silent, else 502. `isProbed`: the rule has the API asked on a retry. */
export const becameUnknown = (reason: UnknownReason, isProbed: boolean): Problem => ({
  code: "outcome-unknown",
  status: reason === "upstream-silent" ? 504 : 502,
  what: `The request was sent, and ${REASONS[reason]}.`,
  members: { reason },
  ...(isProbed
    ? { next: "Send the same request again: the API is asked whether it was carried out.", retryAfter: 1 }
    : {}),
});

export const stillRunning = (waitedMs: number): Problem => ({
  code: "still-running",
  what: `The API has not answered within ${waitedMs / 1_000} s.`,
});

/** `seconds`: after which one operation is tried again. */
export const circuitOpen = (seconds: number): Problem => ({
  code: "circuit-open",
  what: "The API failed several times in a row for this customer.",
  retryAfter: seconds,
});

/**
 * `lease-over`: the owner's clock forbade it; `unsendable`: malformed for HTTP; `abandoned`: the gateway stops; `circuit-open`: it
 * opened after the operation was let in.
 */
export type NeverSent = "unreachable" | "lease-over" | "unsendable" | "abandoned" | "circuit-open";

export const neverSent = (reason: NeverSent): Problem => {
  switch (reason) {
    case "unreachable":
      return { code: "upstream-unreachable", what: "No connection to the API could be made." };
    case "lease-over":
      return { code: "store-unavailable", what: "The claim could not be kept up until the request was to be sent." };
    case "unsendable":
      return { code: "bad-request", what: "The request has a header or a target that cannot be sent on." };
    case "abandoned":
      return { code: "draining", what: "The gateway had to stop before the request was sent." };
    case "circuit-open":
      return circuitOpen(1);
  }
};

export const storeUnavailable = (): Problem => ({
  code: "store-unavailable",
  what: "Without its store the gateway cannot tell a first request from a retry.",
});

export const storeLost = (): Problem => ({
  code: "store-lost-data",
  what: "The gateway's store does not have everything any more, so a retry could look like a first request.",
});

/** What to do next where no key was sent; other codes do not speak of one. */
const NEXT_WITHOUT_KEY: Partial<Record<ProblemCode, string>> = {
  "outcome-unknown": "Look in the API whether it was carried out before you send it again.",
  "still-running": "It goes on: look in the API for what becomes of it.",
  "bad-request": "Nothing was sent on: mend the request and send it again.",
  "upstream-unreachable": "Nothing was sent: it is safe to send it again.",
  "store-unavailable": "Nothing was sent: it is safe to send it again.",
  "store-lost-data": "Nothing was sent, and nothing new is until its operator has looked into it: send it again later.",
  draining: "Nothing was sent: it is safe to send it again.",
};

/** The same, said to who sent no key. */
export const withoutKey = (problem: Problem): Problem => {
  const next = problem.next ?? NEXT_WITHOUT_KEY[problem.code];
  return next === undefined ? problem : { ...problem, next };
};

/** Why an operation did not have its turn; `lost`: it took so long that its claim is another one's by now. */
export const noTurn = (reason: "busy" | "deleting" | "lost" | "store_lost", waitedMs: number): Problem => {
  switch (reason) {
    case "busy":
      return {
        code: "document-busy",
        what: `Other operations on this document have kept it busy for ${waitedMs / 1_000} s.`,
      };
    case "deleting":
      return { code: "document-deleting", what: "Another request that deletes this document has not ended." };
    case "lost":
      return neverSent("lease-over");
    case "store_lost":
      return storeLost();
  }
};
