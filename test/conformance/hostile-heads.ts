/** A request that must be refused, as data: what differs from an ordinary one. */
export type HostileRow = {
  name: string;
  /** The request line, METHOD standing for the method. */
  line?: string;
  host?: string[];
  /** Header lines behind Host and those of an ordinary request. */
  lines?: string[];
  framing?: string[];
  body?: string;
  /** All of it, where nothing of an ordinary request is left. */
  bytes?: string;
  status?: number;
  code?: string;
};

const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-Line-${i}: x`);

export const REQUEST_LINES: HostileRow[] = [
  { name: "HTTP/0.9 in its line", line: "METHOD /invoices HTTP/0.9" },
  { name: "no version at all", bytes: "GET /invoices\r\n\r\n" },
  { name: "HTTP/2.0 in its line", line: "METHOD /invoices HTTP/2.0" },
  { name: "HTTP/1.2", line: "METHOD /invoices HTTP/1.2" },
  { name: "HTTP/3.0", line: "METHOD /invoices HTTP/3.0" },
  { name: "HTTP/1.11", line: "METHOD /invoices HTTP/1.11" },
  { name: "http/1.1 in lower case", line: "METHOD /invoices http/1.1" },
  { name: "a space behind the version", line: "METHOD /invoices HTTP/1.1 " },
  { name: "tabs instead of spaces", line: "METHOD\t/invoices\tHTTP/1.1" },
  { name: "the preface of HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
  { name: "TLS", bytes: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" },
  { name: "lines that end in LF alone", bytes: "GET /invoices HTTP/1.1\nHost: gateway\n\n" },
  { name: "a method in lower case", line: "post /invoices HTTP/1.1" },
  { name: "a method that nobody knows", line: "CREATE /invoices HTTP/1.1" },
  { name: "RTSP", line: "DESCRIBE /invoices RTSP/1.0" },
  { name: "TRACE", line: "TRACE /invoices HTTP/1.1", framing: [] },
  { name: "CONNECT to a host", line: "CONNECT api:443 HTTP/1.1", framing: [] },
  { name: "CONNECT to a path", line: "CONNECT /invoices HTTP/1.1", framing: [] },
];

export const TARGETS: HostileRow[] = [
  { name: "an absolute target", line: "METHOD http://gateway/invoices HTTP/1.1" },
  { name: "an absolute target of another host", line: "METHOD https://elsewhere/invoices HTTP/1.1" },
  { name: "an absolute target that is no URL", line: "METHOD http://[::1/invoices HTTP/1.1" },
  { name: "an absolute target of another scheme", line: "METHOD file:/invoices HTTP/1.1" },
  { name: "a host as its target", line: "METHOD gateway:80 HTTP/1.1" },
  { name: "OPTIONS *", line: "OPTIONS * HTTP/1.1" },
  { name: "an asterisk", line: "METHOD * HTTP/1.1" },
  { name: "a relative target", line: "METHOD invoices HTTP/1.1" },
  { name: "a query alone", line: "METHOD ?a=1 HTTP/1.1" },
  { name: "a fragment", line: "METHOD /invoices#part HTTP/1.1" },
  { name: "a fragment behind a query", line: "METHOD /invoices?a=1#part HTTP/1.1" },
  { name: "a backslash", line: "METHOD /invoices\\1 HTTP/1.1" },
  { name: "a byte beyond ASCII in the path", line: "METHOD /invo\xefces HTTP/1.1" },
  { name: "a byte beyond ASCII in the query", line: "METHOD /invoices?a=\xe9 HTTP/1.1" },
  { name: "a control character", line: "METHOD /invoices\x01 HTTP/1.1" },
  { name: "a NUL", line: "METHOD /invoices\x00 HTTP/1.1" },
  { name: "a DEL", line: "METHOD /invoices\x7f HTTP/1.1" },
  { name: "a space in its target", line: "METHOD /invoices 1 HTTP/1.1" },
  {
    name: "a target of 17,000 characters",
    line: `METHOD /${"i".repeat(17_000)} HTTP/1.1`,
    status: 431,
    code: "too-many-headers",
  },
];

/** Refused where a key may be read; elsewhere paths are the upstream's affair. */
export const PATHS: HostileRow[] = [
  "/invoices%2f1",
  "/invoices%2F1",
  "/invoices%5c1",
  "//invoices",
  "/invoices//1",
  "/./invoices",
  "/a/../invoices",
  "/a/%2e%2e/invoices",
  "/a/.%2E/invoices",
  "/invoices/..",
  "/invoices/.",
  "/a/..;v=1/invoices",
  "/invoices%00",
  "/invoices%0d%0aX:%20y",
  "/invoices%7f",
  "/invoices%zz",
  "/invoices%u002f1",
  "/invoices%2",
].map((path) => ({ name: path, line: `POST ${path} HTTP/1.1` }));

export const FIELDS: HostileRow[] = [
  { name: "no Host", host: [] },
  { name: "an empty Host", host: ["Host:"] },
  { name: "two Hosts", host: ["Host: gateway", "Host: elsewhere"] },
  { name: "one Host twice", host: ["Host: gateway", "host: gateway"] },
  { name: "a list of Hosts", host: ["Host: gateway, elsewhere"] },
  { name: "a Host with a user", host: ["Host: user@gateway"] },
  { name: "a Host with a path", host: ["Host: gateway/invoices"] },
  { name: "two Authorizations", lines: ["Authorization: Bearer b"] },
  { name: "two X-Api-Keys", lines: ["X-API-KEY: a"] },
  { name: "two Content-Types", lines: ["content-type: application/json"] },
  {
    name: "one key twice",
    lines: ["X-Idempotency-Key: a", "x-idempotency-key: a"],
    code: "key-conflict",
  },
  { name: "a look-alike of Authorization", lines: ["AUTHORIZATION_: a", "X_Api_Key: b"] },
  { name: "a look-alike of a key header", lines: ["X_Idempotency_Key: a"] },
  { name: "a look-alike of a key header, half", lines: ["X-Idempotency_Key: a"] },
  { name: "a look-alike with dots", lines: ["X.Api.Key: a"] },
  { name: "a look-alike of Content-Length", lines: ["Content_Length: 5"] },
  { name: "a look-alike of Transfer-Encoding", lines: ["Transfer_Encoding: chunked"] },
  { name: "a look-alike of X-Forwarded-For", lines: ["X_Forwarded_For: 10.0.0.1"] },
  { name: "Connection that takes Authorization away", lines: ["Connection: close, Authorization"] },
  { name: "a second Connection that takes the key away", lines: ["Connection: close", "Connection: Idempotency-Key"] },
  { name: "Connection that takes Host away", lines: ["Connection: host"] },
  { name: "Connection that takes the session away", lines: ["Connection: Cookie"] },
  { name: "Connection that takes the coding of the body away", lines: ["Connection: content-encoding"] },
  { name: "Connection that takes the framing away", lines: ["Connection: Transfer-Encoding"] },
  { name: "101 lines", lines: many(101), status: 431, code: "too-many-headers" },
  { name: "3,000 lines", lines: many(3_000), status: 431, code: "too-many-headers" },
  { name: "a line of 17,000 bytes", lines: [`X: ${"x".repeat(17_000)}`], status: 431, code: "too-many-headers" },
  {
    name: "cookies of 17,000 bytes",
    lines: [`Cookie: ${"a=b; ".repeat(3_400)}`],
    status: 431,
    code: "too-many-headers",
  },
  { name: "a space before a colon", lines: ["X-A : b"] },
  { name: "a folded line", lines: ["X-A: b", " c"] },
  { name: "a folded key", lines: ["X-Idempotency-Key: a", "\tb"] },
  { name: "a space before the first line", host: [" Host: gateway"] },
  { name: "a line without a name", lines: [": b"] },
  { name: "a line without a colon", lines: ["abc"] },
  { name: "a NUL in a value", lines: ["X-A: a\x00b"] },
  { name: "a control character in a value", lines: ["X-A: a\x01b"] },
  { name: "a control character in a name", lines: ["X\x01A: b"] },
  { name: "a bare CR in a value", lines: ["X-A: b\rX-B: c"] },
  { name: "a byte beyond ASCII in a name", lines: ["X-\xe9: b"] },
  { name: "an expectation that nobody knows", lines: ["Expect: payment"] },
  { name: "100-continue and something more", lines: ["Expect: 100-continue, payment"] },
  { name: "two expectations", lines: ["Expect: 100-continue", "Expect: 100-continue"] },
];
