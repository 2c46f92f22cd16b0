import type { HostileRow } from "./hostile-heads.ts";

/** Unusual and legitimate: a guard that refuses these would be in the way. POST is an operation; `expected` at the upstream. */
export type OddRow = HostileRow & { method?: string; expected?: object };

export const ODD: OddRow[] = [
  { name: "100 header lines", lines: Array.from({ length: 98 }, (_, i) => `X-${i}: x`) },
  { name: "an empty line before it", line: "\r\nMETHOD /invoices HTTP/1.1" },
  { name: "two spaces behind its method", line: "METHOD  /invoices HTTP/1.1" },
  { name: "HTTP/1.0 without a Host", line: "METHOD /invoices HTTP/1.0", host: [] },
  { name: "HTTP/1.0 that keeps its connection", line: "METHOD /invoices HTTP/1.0", lines: ["Connection: keep-alive"] },
  { name: "a Host with a port", host: ["Host: gateway:8080"] },
  { name: "a Host of IPv6", host: ["Host: [::1]:8080"] },
  {
    name: "a GET with a body",
    method: "GET",
    framing: ["Content-Length: 3"],
    body: "abc",
    expected: { method: "GET", body: "abc" },
  },
  {
    name: "paths that would be ambiguous, where no key is read",
    line: "METHOD //a%2Fb/../c HTTP/1.1",
    expected: { target: "//a%2Fb/../c" },
  },
  {
    name: "a backslash in the query",
    line: "METHOD /invoices?a=\\b HTTP/1.1",
    expected: { target: "/invoices?a=\\b" },
  },
  {
    name: "dots, tildes and encoded letters",
    method: "POST",
    line: "METHOD /v1.0/~me/..a/.b/%c3%a4 HTTP/1.1",
    expected: { target: "/v1.0/~me/..a/.b/%c3%a4" },
  },
  {
    name: "Chunked in capitals",
    framing: ["Transfer-Encoding: CHUNKED"],
    body: "1\r\nx\r\n0\r\n\r\n",
    expected: { body: "x" },
  },
  {
    name: "chunks with extensions",
    method: "POST",
    framing: ["Transfer-Encoding: chunked"],
    body: '1;a=b;c="d"\r\nx\r\n0\r\n\r\n',
    expected: { body: "x" },
  },
  { name: "a field with an underscore that looks like no other", lines: ["X_Custom: a"] },
  { name: "two Cookie lines", lines: ["Cookie: a=b", "Cookie: c=d"] },
  { name: "cookies of 8,000 bytes", lines: [`Cookie: ${"a=b; ".repeat(1_600)}`] },
  { name: "the Via of another gateway", lines: ["Via: 1.1 oncegate, 1.1 oncegate-00000000x"] },
  {
    name: "an offer of h2c",
    method: "POST",
    lines: ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"],
  },
  { name: "a key with a comma", method: "POST", lines: ["X-Idempotency-Key: odd-1, odd-2"] },
  { name: "a key beyond ASCII", method: "POST", lines: ["X-Idempotency-Key: odd-\xe9"] },
  { name: "an expectation on HTTP/1.0", line: "METHOD /invoices HTTP/1.0", lines: ["Expect: 100-continue"] },
];
