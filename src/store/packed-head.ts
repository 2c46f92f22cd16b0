import type { RawHeaders } from "../domain/headers.ts";

/**
 * How header lines of answers begin, or all that they say: each of them is one byte in a record. Records are read with this list:
 * it may grow at its end, to 64, and not change otherwise.
 */
const BEGINNINGS = [
  "Content-Type:application/json; charset=utf-8",
  "Content-Type:application/json",
  "Content-Type:application/problem+json",
  "Content-Type:application/",
  "Content-Type:text/html; charset=utf-8",
  "Content-Type:text/",
  "Content-Type:",
  "Content-Length:",
  "Content-Encoding:gzip",
  "Content-Language:",
  "Content-Disposition:attachment; filename=",
  "Content-Security-Policy:",
  "Date:",
  "Location:https://",
  "Location:",
  'ETag:W/"',
  "ETag:",
  "Last-Modified:",
  "Expires:",
  "Pragma:no-cache",
  "Cache-Control:no-store",
  "Cache-Control:no-cache",
  "Cache-Control:max-age=0, private, must-revalidate",
  "Cache-Control:private",
  "Cache-Control:",
  "Vary:Accept-Encoding",
  "Vary:Origin",
  "Vary:",
  "Server:",
  "X-Powered-By:",
  "X-Request-Id:",
  "X-Correlation-Id:",
  "X-Runtime:",
  "X-Content-Type-Options:nosniff",
  "X-Frame-Options:",
  "X-XSS-Protection:",
  "X-RateLimit-Limit:",
  "X-RateLimit-Remaining:",
  "X-RateLimit-Reset:",
  "Referrer-Policy:",
  "Strict-Transport-Security:max-age=",
  "Access-Control-Allow-Origin:*",
  "Access-Control-Allow-Credentials:true",
];

/** From 0x80 on no byte begins a name: they are the list as it stands, and then with names in lower case. */
const [AS_LISTED, LOWER] = [0x80, 0xc0];

type Beginning = { code: string; text: string; value: string };
const beginnings: Beginning[] = BEGINNINGS.flatMap((text, i) => {
  const colon = text.indexOf(":");
  const value = text.slice(colon + 1);
  const lower = text.slice(0, colon).toLowerCase() + text.slice(colon);
  return [
    { code: String.fromCharCode(AS_LISTED + i), text, value },
    { code: String.fromCharCode(LOWER + i), text: lower, value },
  ];
});
const byName = Map.groupBy(beginnings, ({ text }) => text.slice(0, text.indexOf(":")));
const byCode = new Map(beginnings.map(({ code, text }) => [code, text]));

/** What a value, or the rest of one, begins with where it is not written as it is. `plain`: behind it, it is. */
const MARKS = { plain: "\0", date: "\u0001", uuid: "\u0002", bodyLength: "\u0003" };

/** In Latin-1: of each line the length, then itself; and a length of nothing at the end. Every byte comes back. */
export function packHead(headers: RawHeaders, bodyLength: number): string {
  let head = "";
  for (let i = 0; i < headers.length; i += 2) {
    const line = packLine(headers[i]!, headers[i + 1]!, bodyLength);
    head += packLength(line.length) + line;
  }
  return `${head}\0`;
}

/** `end`: of the head, where the body begins. Undefined where it is cut, or has something that is not in this version's lists. */
export function unpackHead(bytes: Buffer): { headers: string[]; end: number } | undefined {
  const lines: string[] = [];
  for (let at = 0; ;) {
    let length = 0;
    let byte: number | undefined;
    do {
      byte = bytes[at++];
      if (byte === undefined) return undefined;
      length = length * 0x80 + (byte & 0x7f);
    } while (byte >= 0x80);
    if (length === 0) return withHeaders(lines, at, bytes.length - at);
    lines.push(bytes.toString("latin1", at, at + length));
    at += length;
  }
}

function withHeaders(lines: readonly string[], end: number, bodyLength: number): ReturnType<typeof unpackHead> {
  const headers: string[] = [];
  for (const line of lines) {
    const beginning = line.charCodeAt(0) < AS_LISTED ? line[0]! : byCode.get(line[0]!);
    if (beginning === undefined) return undefined;
    const text = beginning + line.slice(1);
    const colon = text.indexOf(":");
    headers.push(text.slice(0, colon), unpackValue(text.slice(colon + 1), bodyLength));
  }
  return { headers, end };
}

function packLine(name: string, value: string, bodyLength: number): string {
  const beginning = byName.get(name)?.find((one) => value.startsWith(one.value));
  if (beginning === undefined) return `${name}:${packValue(value, bodyLength)}`;
  const rest = value.slice(beginning.value.length);
  return beginning.code + (beginning.value === "" ? packValue(rest, bodyLength) : rest);
}

function packLength(length: number, more = 0): string {
  const low = String.fromCharCode((length & 0x7f) | more);
  return length < 0x80 ? low : packLength(length >>> 7, 0x80) + low;
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

function packValue(value: string, bodyLength: number): string {
  if (value === String(bodyLength)) return MARKS.bodyLength;
  if (value.endsWith(" GMT")) return packDate(value);
  if (value.length === 36 && UUID.test(value))
    return MARKS.uuid + Buffer.from(value.replaceAll("-", ""), "hex").toString("latin1");
  return value.charCodeAt(0) < 0x04 ? MARKS.plain + value : value;
}

function unpackValue(value: string, bodyLength: number): string {
  switch (value.charAt(0)) {
    case MARKS.plain:
      return value.slice(1);
    case MARKS.date:
      return new Date(Buffer.from(value, "latin1").readUInt32BE(1) * 1_000).toUTCString();
    case MARKS.uuid:
      return Buffer.from(value.slice(1), "latin1")
        .toString("hex")
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    case MARKS.bodyLength:
      return String(bodyLength);
  }
  return value;
}

/** The same for all answers of one second. */
let lastDate = { text: "", packed: "" };

/** As it is where it is not written as dates usually are. */
function packDate(text: string): string {
  if (lastDate.text === text) return lastDate.packed;
  const seconds = Date.parse(text) / 1_000;
  const isUsual = seconds >= 0 && seconds < 2 ** 32 && new Date(seconds * 1_000).toUTCString() === text;
  const packed = isUsual
    ? MARKS.date + String.fromCharCode(seconds >>> 24, (seconds >>> 16) & 0xff, (seconds >>> 8) & 0xff, seconds & 0xff)
    : text;
  lastDate = { text, packed };
  return packed;
}
