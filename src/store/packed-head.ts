import type { RawHeaders } from "../domain/headers.ts";

/**
 * How header lines of answers begin, or all that they say: each of them is one byte in a record. Records are read with this list:
 * it may grow at its end, to 63, and not change otherwise.
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

/** From 0x80 on no byte begins a name. First a whole line of date, then the list as it stands, then with names in lower case. */
const [DATE, LOWER_DATE, AS_LISTED, LOWER] = [0x80, 0x81, 0x82, 0xc1];

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

/** Lines of Latin-1, each with a line feed behind it, which no header holds. Every byte comes back, of names too. */
export function packHead(headers: RawHeaders): string {
  let head = "";
  for (let i = 0; i < headers.length; i += 2) head += `${packLine(headers[i]!, headers[i + 1]!)}\n`;
  return head;
}

/** Undefined where it has a beginning that is not in this version's list. */
export function unpackHead(head: string): string[] | undefined {
  const lines = head.split("\n").slice(0, -1).map(unpackLine);
  return lines.every((line) => line !== undefined) ? lines.flat() : undefined;
}

function packLine(name: string, value: string): string {
  if (name === "Date" || name === "date") {
    const seconds = Date.parse(value) / 1_000;
    const isUsual = seconds >= 0 && new Date(seconds * 1_000).toUTCString() === value;
    if (isUsual) return String.fromCharCode(name === "Date" ? DATE : LOWER_DATE) + packNumber(seconds);
  }
  const beginning = byName.get(name)?.find((one) => value.startsWith(one.value));
  if (beginning === undefined) return `${name}:${value}`;
  return beginning.code + value.slice(beginning.value.length);
}

function unpackLine(line: string): [name: string, value: string] | undefined {
  const code = line.charCodeAt(0);
  if (code === DATE || code === LOWER_DATE)
    return [code === DATE ? "Date" : "date", new Date(unpackNumber(line.slice(1)) * 1_000).toUTCString()];
  const text = code < DATE ? line : byCode.get(line[0]!)?.concat(line.slice(1));
  if (text === undefined) return undefined;
  const colon = text.indexOf(":");
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/** Seven bits a byte, the highest first, and never a line feed. */
function packNumber(number: number): string {
  const byte = String.fromCharCode(0x80 + (number % 0x80));
  return number < 0x80 ? byte : packNumber(Math.floor(number / 0x80)) + byte;
}

function unpackNumber(bytes: string): number {
  return Array.from(bytes).reduce((number, byte) => number * 0x80 + byte.charCodeAt(0) - 0x80, 0);
}
