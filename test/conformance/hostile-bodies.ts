import type { HostileRow } from "./hostile-heads.ts";

/** Where the body ends, told in a way that two servers could read differently. A second request stands where it would be found. */
const HIDDEN = "POST /hidden HTTP/1.1\r\nHost: gateway\r\nIdempotency-Key: hidden\r\nContent-Length: 0\r\n\r\n";
const CHUNKED = ["Transfer-Encoding: chunked"];

const lengths: [string, string[]][] = [
  ["two lengths that differ", ["Content-Length: 1", "Content-Length: 0"]],
  ["one length twice", ["Content-Length: 0", "Content-Length: 0"]],
  ["a list of lengths", ["Content-Length: 0, 0"]],
  ["a length with a plus", ["Content-Length: +0"]],
  ["a length below nothing", ["Content-Length: -1"]],
  ["a length in hex", ["Content-Length: 0x0"]],
  ["a length with leading zeros", ["Content-Length: 00"]],
  ["a length with a space", ["Content-Length: 0 0"]],
  ["an empty length", ["Content-Length:"]],
  ["a length beyond 64 bits", ["Content-Length: 99999999999999999999999"]],
  ["a length of 64 bits", ["Content-Length: 18446744073709551615"]],
  ["a length and chunks", ["Content-Length: 5", "Transfer-Encoding: chunked"]],
  ["chunks and a length", ["Transfer-Encoding: chunked", "Content-Length: 5"]],
];

const codings: [string, string[]][] = [
  ["gzip, chunked", ["Transfer-Encoding: gzip, chunked"]],
  ["gzip", ["Transfer-Encoding: gzip"]],
  ["gzip and chunked in two lines", ["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"]],
  ["chunked in two lines", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]],
  ["chunked, chunked", ["Transfer-Encoding: chunked, chunked"]],
  ["chunked, gzip", ["Transfer-Encoding: chunked, gzip"]],
  ["identity", ["Transfer-Encoding: identity"]],
  ["xchunked", ["Transfer-Encoding: xchunked"]],
  ["chunked with a parameter", ["Transfer-Encoding: chunked;q=1"]],
  ["chunked in quotes", ['Transfer-Encoding: "chunked"']],
  ["chunked behind a vertical tab", ["Transfer-Encoding:\x0bchunked"]],
  ["chunked in front of a tab", ["Transfer-Encoding: chunked\t"]],
  ["nothing", ["Transfer-Encoding:"]],
];

export const FRAMINGS: HostileRow[] = [
  ...lengths.map(([name, framing]) => ({ name, framing, body: HIDDEN })),
  ...codings.map(([name, framing]) => ({ name: `Transfer-Encoding: ${name}`, framing, body: `0\r\n\r\n${HIDDEN}` })),
  {
    name: "chunks on HTTP/1.0",
    line: "METHOD /invoices HTTP/1.0",
    framing: CHUNKED,
    body: `0\r\n\r\n${HIDDEN}`,
  },
];

/** Malformed behind a head that is none. What passes through has begun by then, and must not be taken for whole. */
export const CHUNKS: HostileRow[] = (
  [
    ["a size that is no number", "zz\r\nx\r\n0\r\n\r\n"],
    ["a size below nothing", "-1\r\nx\r\n0\r\n\r\n"],
    ["a size with 0x", "0x1\r\nx\r\n0\r\n\r\n"],
    ["a size beyond 64 bits", "fffffffffffffffff\r\nx\r\n0\r\n\r\n"],
    ["a size with a space", "1 \r\nx\r\n0\r\n\r\n"],
    ["a size that ends in LF alone", "1\nx\n0\n\n"],
    ["an empty size", "\r\nx\r\n0\r\n\r\n"],
    ["more than its size", "1\r\nxyz\r\n0\r\n\r\n"],
    ["an extension of 20,000 bytes", `1;${"e".repeat(20_000)}\r\nx\r\n0\r\n\r\n`],
    ["an extension with a bare LF", "1;e\nf\r\nx\r\n0\r\n\r\n"],
    ["an extension with a LF in quotes", '1;e="f\ng"\r\nx\r\n0\r\n\r\n'],
    ["a trailer that is none", "1\r\nx\r\n0\r\nrubbish\r\n\r\n"],
    ["a trailer that says how the body was framed", "1\r\nx\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n"],
    ["trailers of 3,000 lines", `1\r\nx\r\n0\r\n${"T: x\r\n".repeat(3_000)}\r\n`],
  ] as const
).map(([name, body]) => ({
  name,
  framing: CHUNKED,
  body,
  ...(name.includes("3,000") ? { status: 431, code: "too-many-headers" } : {}),
}));

/** The bytes behind the head go on unread, as the WebSocket's. */
export const UPGRADES: HostileRow[] = [
  { name: "two Hosts", host: ["Host: gateway", "Host: elsewhere"] },
  { name: "two Authorizations", lines: ["Authorization: Bearer b"] },
  { name: "an absolute target", line: "METHOD http://gateway/socket HTTP/1.1" },
  { name: "a length", framing: [`Content-Length: ${HIDDEN.length}`], body: HIDDEN },
  { name: "chunks", framing: CHUNKED, body: `0\r\n\r\n${HIDDEN}` },
];
