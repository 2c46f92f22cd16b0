import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";

/** One request as bytes, and the bytes that the upstream answers it with. */
export type VariedExchange = { name: string; request: string; answer: string; isClosed: boolean };

type Sent = { lines?: string[]; body?: string; chunks?: string[]; trailers?: string[]; version?: string };

/** `chunks` instead of `body`: sent in chunks. The client asks for the connection's end behind the answer. */
function request(
  method: string,
  target: string,
  { lines = [], body, chunks, trailers = [], version }: Sent = {},
): string {
  const framing = chunks
    ? ["Transfer-Encoding: chunked"]
    : body === undefined
      ? []
      : [`Content-Length: ${body.length}`];
  const head = [
    `${method} ${target} HTTP/${version ?? "1.1"}`,
    "Host: origin",
    ...lines,
    ...framing,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${chunks ? chunked(chunks, trailers) : (body ?? "")}`;
}

/** With a length, unless in chunks or `lines` say otherwise. */
function answer(status: string, lines: string[], body?: string | string[], trailers: string[] = []): string {
  const framing = Array.isArray(body)
    ? ["Transfer-Encoding: chunked"]
    : body === undefined
      ? []
      : [`Content-Length: ${body.length}`];
  const head = [`HTTP/1.1 ${status}`, ...lines, ...framing];
  return `${head.join("\r\n")}\r\n\r\n${Array.isArray(body) ? chunked(body, trailers) : (body ?? "")}`;
}

function chunked(chunks: readonly string[], trailers: readonly string[]): string {
  const parts = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  return `${parts.join("")}0\r\n${trailers.map((line) => `${line}\r\n`).join("")}\r\n`;
}

const DATE = "Date: Mon, 02 Nov 2026 08:00:00 GMT";
const JSON_TYPE = "Content-Type: application/json";
const OK = answer("200 OK", [DATE, JSON_TYPE], '{"ok":true}');
const BINARY = randomBytes(300_000).toString("latin1");
const GZIP = gzipSync("an invoice ".repeat(1_000)).toString("latin1");
const INVOICE = '{"total":"10.00"}';
const FORM = "a=1&a=2&b=%20+";

const requests: [name: string, request: string][] = [
  ["GET", request("GET", "/invoices")],
  ["a query with odd characters", request("GET", "/invoices?x=1&x=%20&&y&=z?q/;'\"<>|{}^`")],
  ["a query that is empty", request("GET", "/invoices?")],
  ["an encoded path", request("GET", "/a%2Fb%5c%c3%a4/%zz")],
  ["slashes without a name between them", request("GET", "//a///b//")],
  ["dots in names", request("GET", "/a/...b/.c./d..e")],
  ["the root", request("GET", "/")],
  ["HEAD", request("HEAD", "/invoices/1")],
  [
    "OPTIONS",
    request("OPTIONS", "/invoices", { lines: ["Access-Control-Request-Method: PUT", "Origin: https://a.b"] }),
  ],
  ["PUT", request("PUT", "/invoices/1", { body: INVOICE, lines: [JSON_TYPE] })],
  ["PATCH", request("PATCH", "/invoices/1", { body: INVOICE, lines: [JSON_TYPE] })],
  [
    "POST of a form",
    request("POST", "/invoices", { body: FORM, lines: ["Content-Type: application/x-www-form-urlencoded"] }),
  ],
  ["POST of nothing, with a length", request("POST", "/invoices", { body: "" })],
  ["POST of nothing, without a length", request("POST", "/invoices")],
  ["POST in chunks", request("POST", "/invoices", { chunks: ["one", "two".repeat(10_000), "3"] })],
  [
    "PUT in chunks with trailers",
    request("PUT", "/invoices", { chunks: ["one"], trailers: ["X-Sum: 1", "x-sum: \xe9"] }),
  ],
  ["POST of no chunks", request("POST", "/invoices", { chunks: [] })],
  ["DELETE with a body", request("DELETE", "/invoices/1", { body: "why" })],
  ["DELETE in chunks", request("DELETE", "/invoices/1", { chunks: ["w", "hy"] })],
  ["DELETE", request("DELETE", "/invoices/1")],
  ["GET with a body", request("GET", "/search", { body: INVOICE })],
  ["GET in chunks", request("GET", "/search", { chunks: [INVOICE] })],
  ["a method of its own", request("REPORT", "/calendar", { body: "<x/>" })],
  ["binary", request("POST", "/upload", { body: BINARY, lines: ["Content-Type: application/octet-stream"] })],
  ["gzip", request("POST", "/upload", { body: GZIP, lines: ["Content-Encoding: gzip"] })],
  ["a range", request("GET", "/file", { lines: ["Range: bytes=2-5,7-", 'If-Range: "a"'] })],
  [
    "conditions",
    request("GET", "/file", {
      lines: ['If-None-Match: W/"a", "b"', "If-Modified-Since: Mon, 02 Nov 2026 08:00:00 GMT"],
    }),
  ],
  [
    "repeated headers",
    request("GET", "/", { lines: ["Accept: a/b", "Accept: c/d;q=0.1", "X-Empty:", "X-Same: 1", "X-Same: 1"] }),
  ],
  ["cookies", request("GET", "/", { lines: ['Cookie: a=1; b="2"', "Cookie: c=3"] })],
  ["Latin-1 in headers", request("GET", "/", { lines: ["X-Name: Jos\xe9 \xff", "X-Tab: a\tb"] })],
  [
    "spelling of names",
    request("GET", "/", { lines: ["x-LOWER-up: 1", "ACCEPT-language: et", "eTag: 5", "X_Under: 1"] }),
  ],
  ["credentials", request("GET", "/", { lines: ["Authorization: Basic YTpi", "X-Api-Key: k"] })],
  [
    "much in a head",
    request("GET", "/", { lines: Array.from({ length: 80 }, (_, i) => `X-${i}: ${"v".repeat(100)}`) }),
  ],
  [
    "a cache's fields",
    request("GET", "/", { lines: ["Cache-Control: no-cache", "Pragma: no-cache", "Max-Forwards: 7"] }),
  ],
  ["HTTP/1.0", request("GET", "/", { version: "1.0" })],
  ["HTTP/1.0 with a body", request("POST", "/invoices", { version: "1.0", body: INVOICE })],
];

const EVENTS = ["data: one\n\n", ": still there\n\n", "data: two\n\n"];
const answers: [name: string, answer: string, request?: string | undefined, isClosed?: boolean][] = [
  ["201 with a place", answer("201 Created", [DATE, "Location: http://origin/invoices/1?a#b", JSON_TYPE], INVOICE)],
  ["202 with a reason of its own", answer("202 Wird gemacht, Herr M\xfcller", [DATE], "ok")],
  ["no reason", answer("200 ", [DATE], "ok")],
  ["204", answer("204 No Content", [DATE, "X-A: 1"])],
  ["205", answer("205 Reset Content", [DATE], "")],
  ["206", answer("206 Partial Content", [DATE, "Content-Range: bytes 2-5/10"], "cdef")],
  ["301", answer("301 Moved Permanently", [DATE, "Location: /there%2F//?x=%20"], "")],
  ["304", answer("304 Not Modified", [DATE, 'ETag: W/"a"', "Content-Length: 11"])],
  ["307", answer("307 Temporary Redirect", [DATE, "Location: //other/there"], "moved")],
  [
    "401",
    answer(
      "401 Unauthorized",
      [DATE, 'WWW-Authenticate: Basic realm="a", Digest x="y"', "WWW-Authenticate: Bearer"],
      "no",
    ),
  ],
  ["404", answer("404 Not Found", [DATE], "<html>")],
  ["429", answer("429 Too Many Requests", [DATE, "Retry-After: 7"], "")],
  ["500", answer("500 Internal Server Error", [DATE, JSON_TYPE], "{}")],
  ["503", answer("503 Service Unavailable", [DATE, "Retry-After: Mon, 02 Nov 2026 08:00:00 GMT"], "later")],
  ["a status of its own", answer("299 Odd", [DATE], "ok")],
  ["HEAD with a length", answer("200 OK", [DATE, "Content-Length: 12345"]), request("HEAD", "/")],
  ["HEAD in chunks", answer("200 OK", [DATE, "Transfer-Encoding: chunked"]), request("HEAD", "/")],
  ["chunks", answer("200 OK", [DATE], ["one", "two".repeat(10_000), "3"])],
  ["chunks with trailers", answer("200 OK", [DATE], ["one"], ["X-Sum: \xe9", "x-sum: 2"])],
  ["no chunks", answer("200 OK", [DATE], [])],
  ["events", answer("200 OK", [DATE, "Content-Type: text/event-stream"], EVENTS)],
  ["early hints", answer("103 Early Hints", ["Link: </a>; rel=preload"]) + OK],
  ["binary", answer("200 OK", [DATE, "Content-Type: application/pdf"], BINARY)],
  ["gzip", answer("200 OK", [DATE, "Content-Encoding: gzip", "Vary: Accept-Encoding"], GZIP)],
  ["gzip in chunks", answer("200 OK", [DATE, "Content-Encoding: gzip"], [GZIP])],
  ["cookies", answer("200 OK", [DATE, "Set-Cookie: a=1; Path=/", "X-A: 1", "set-cookie: b=2, c=3; Secure"], "ok")],
  ["repeated headers", answer("200 OK", ["X-A: 1", DATE, "X-B:", "x-a: 2", "X-A: 1"], "ok")],
  ["Latin-1 in headers", answer("200 OK", [DATE, "X-Name: Jos\xe9 \xff", "X-Tab: a\tb"], "ok")],
  ["much in a head", answer("200 OK", [DATE, `X-Long: ${"v".repeat(30_000)}`], "ok")],
  ["no Date", answer("200 OK", ["X-A: 1"], "ok")],
  ["Via of others", answer("200 OK", [DATE, "Via: 1.0 cdn, 1.1 lb"], "ok")],
  ["a cache's fields", answer("200 OK", [DATE, "Age: 5", "Cache-Control: max-age=9", "Warning: 110 - x"], "ok")],
  [
    "what is about the connection",
    answer("200 OK", [DATE, "Connection: X-Hop, close", "X-Hop: 1", "Keep-Alive: timeout=9", "X-B: 2"], "ok"),
  ],
  ["no length, until it closes", answer("200 OK", [DATE, "X-A: 1"]) + INVOICE, undefined, true],
  ["HTTP/1.0", `HTTP/1.0 200 OK\r\n${DATE}\r\nContent-Length: 2\r\n\r\nok`, undefined, true],
];

export const VARIED_EXCHANGES: VariedExchange[] = [
  ...requests.map(([name, bytes]) => ({
    name: `asked: ${name}`,
    request: bytes,
    answer: answerTo(bytes),
    isClosed: false,
  })),
  ...answers.map(([name, bytes, asked, isClosed]) => ({
    name: `answered: ${name}`,
    request: asked ?? request("GET", "/"),
    answer: bytes,
    isClosed: isClosed ?? false,
  })),
];

/** A body behind HEAD would be the next answer. */
function answerTo(bytes: string): string {
  return bytes.startsWith("HEAD ") ? OK.slice(0, OK.indexOf("\r\n\r\n") + 4) : OK;
}
