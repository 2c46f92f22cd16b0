import { METHODS } from "node:http";
import type { Problem, ProblemCode } from "../domain/problem.ts";
import type { Rule } from "../domain/rule.ts";
import { knownFields, readLines } from "./head.ts";
import type { Head, Lines } from "./head.ts";

/** `reason`: the guard's name for what is wrong, for the log. */
export type Unsafe = Problem & { reason: string };

/** Undefined where nothing is wrong. */
export type Guard = (head: Head) => Unsafe | undefined;

/** More than any client or proxy chain sends (Node itself takes 1,000), and each line costs every one behind. */
const MOST_LINES = 100;

/** Methods of HTTP; Node's parser also takes RTSP's. TRACE gives credentials back to whoever asks, CONNECT would make an open proxy. */
const FORWARDED_METHODS = new Set(METHODS.filter((method) => method !== "TRACE" && method !== "CONNECT"));

/** A fragment never leaves a client, and the rest is no URL's: servers cut or reread it, each in its way. */
const NO_TARGET = /[^\x21-\x7e]|#/;

/**
 * What one server takes for another path than the next: encoded slashes, backslashes and control characters, percent signs that
 * encode nothing, empty segments, and dot segments (also encoded, also with parameters: `/..;x/` goes up in servlet containers).
 */
const AMBIGUOUS = /%(?:2f|5c|7f|[01][\da-f]|(?![\da-f]{2}))|\/\/|\/(?:\.|%2e){1,2}(?:[/;]|$)/i;

/** What an authority's host and port can have (RFC 3986, section 3.2.2): no user, path, list or quote. */
const HOST = /^[\w.:[\]%~!$&'()*+;=-]+$/;

/** Plain decimals, up to 999 TB: with leading zeros it is octal to some, and beyond a double it is another number to others. */
const LENGTH = /^(?:0|[1-9]\d{0,14})$/;

/** `pseudonym`: this gateway's in Via. */
type Gateway = { rules: readonly Rule[]; pseudonym: string };

/** What of the rules matters here. */
type Known = { methods: ReadonlySet<string>; keyHeaders: ReadonlySet<string>; pseudonym: string };

/** `finds` says what is wrong, in words for the client. */
type Refusal = {
  reason: string;
  code?: ProblemCode;
  finds: (head: Head, lines: Lines, known: Known) => string | false;
};

/**
 * What a proxy must not forward, operation or not, the first that is found. Nearly all of it is one thing: a request that gateway and
 * upstream could read differently, so that a key is looked up for one customer, path or body and executed for another.
 */
const REFUSALS: readonly Refusal[] = [
  {
    reason: "too many header lines",
    code: "too-many-headers",
    finds: (_, lines) => lines.count > MOST_LINES && `${lines.count} header lines are more than ${MOST_LINES}.`,
  },
  {
    reason: "version",
    finds: ({ httpVersion }) =>
      httpVersion !== "1.1" && httpVersion !== "1.0" && "Only HTTP/1.1 and HTTP/1.0 are spoken here.",
  },
  {
    reason: "method",
    finds: ({ method }) => !FORWARDED_METHODS.has(method) && `${method} is not forwarded.`,
  },
  {
    reason: "target form",
    finds: ({ target }) =>
      !target.startsWith("/") &&
      "The target must be a path that starts with a slash: this is no forward proxy, and answers nothing for all of a server.",
  },
  {
    reason: "target characters",
    finds: ({ target, path }) =>
      (NO_TARGET.test(target) || path.includes("\\")) && "The target has a character that no URL has: encode it.",
  },
  {
    // Where no key is read, paths are the upstream's affair alone.
    reason: "ambiguous path",
    finds: ({ method, path }, _, { methods }) =>
      methods.has(method) &&
      AMBIGUOUS.test(path) &&
      `The path of a ${method} must be in its plain form: no empty or dot segments, no encoded slash, backslash or control character.`,
  },
  {
    reason: "host",
    finds: ({ httpVersion }, { host }) => {
      if (host === undefined) return httpVersion === "1.1" && "The request has no Host.";
      return !HOST.test(host) && "Host is not the name of a host.";
    },
  },
  {
    reason: "repeated key",
    code: "key-conflict",
    finds: (_, { repeated }, { keyHeaders }) =>
      repeated !== undefined && keyHeaders.has(repeated) && `${repeated} was sent more than once.`,
  },
  {
    reason: "repeated field",
    finds: (_, { repeated }) => repeated !== undefined && `${repeated} was sent more than once.`,
  },
  {
    reason: "look-alike field",
    finds: (_, { lookalike }) =>
      lookalike !== undefined && `${lookalike} could be taken for the field that it looks like.`,
  },
  {
    reason: "removed field",
    finds: (_, { removed }) => removed !== undefined && `Connection must not take ${removed} away.`,
  },
  {
    reason: "transfer coding",
    finds: ({ httpVersion }, { transferEncoding: coding }) => {
      if (coding === undefined) return false;
      if (httpVersion !== "1.1") return "Transfer-Encoding is not known to HTTP/1.0.";
      return coding.toLowerCase() !== "chunked" && "Transfer-Encoding must be chunked and nothing else.";
    },
  },
  {
    reason: "length",
    finds: (_, { contentLength: length }) =>
      length !== undefined && !LENGTH.test(length) && "Content-Length is not a plain number, or is beyond any.",
  },
  {
    // 400 and not 417: nobody sends another expectation, and 417 tells a client to try again without the one that is fine.
    reason: "expectation",
    finds: (_, { expect }) =>
      expect !== undefined &&
      expect.toLowerCase() !== "100-continue" &&
      "Expect must be 100-continue and nothing else.",
  },
  {
    // The bytes behind the head go on as the WebSocket's, unread: a second request could hide there.
    reason: "upgrade with a body",
    finds: ({ isUpgrade }, { contentLength, transferEncoding }) =>
      isUpgrade &&
      (transferEncoding ?? contentLength ?? "0") !== "0" &&
      "A request for an upgrade to WebSocket must not have a body.",
  },
  {
    reason: "loop",
    code: "loop",
    finds: (_, { via }, { pseudonym }) =>
      via.some((line) => line.includes(pseudonym)) && "Its Via names this very gateway.",
  },
];

/** Looks at every request before anything else does. */
export function createGuard({ rules, pseudonym }: Gateway): Guard {
  const fields = knownFields(rules);
  const known: Known = {
    methods: new Set(rules.flatMap(({ match }) => match.methods)),
    keyHeaders: new Set(rules.flatMap(({ key }) => key.headers)),
    pseudonym,
  };
  return (head) => {
    const lines = readLines(head.rawHeaders, fields);
    for (const { reason, code = "bad-request", finds } of REFUSALS) {
      const what = finds(head, lines, known);
      if (what !== false) return { code, what, reason };
    }
    return undefined;
  };
}
