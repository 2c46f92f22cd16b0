import { parseArgs } from "node:util";
import type { HeaderValues } from "../domain/key.ts";

/** A request as somebody wrote it down, to be explained and not sent. */
export type SampleRequest = {
  method: string;
  path: string;
  query: string;
  rawHeaders: readonly string[];
  headers: HeaderValues;
  body: Buffer;
};

/** Reads a file as editors and IDEs have them (`POST https://api/path`, headers, an empty line, the body); of several the first. */
export function requestInFile(text: string): SampleRequest {
  const [first = ""] = text
    .split(/^###.*$/m)
    .map((part) => part.replace(/^(?:\s*(?:#|\/\/).*\r?\n|\s*\r?\n)+/, ""))
    .filter((part) => part.trim() !== "");
  const [head = "", ...rest] = first.split(/\r?\n\r?\n/);
  const [line = "", ...fields] = head.split(/\r?\n/);
  const [, method = "GET", target] = /^(?:([A-Z]+)\s+)?(\S+)(?:\s+HTTP\/[\d.]+)?\s*$/.exec(line) ?? [];
  if (target === undefined) throw new Error("the first line must be a method and a URL or path");
  const headers = fields.filter((field) => field !== "").map((field) => headerIn(field));
  return sample(method, target, headers, Buffer.from(rest.join("\n\n").replace(/\r?\n$/, "")));
}

const CURL = {
  request: { type: "string", short: "X" },
  header: { type: "string", short: "H", multiple: true },
  data: { type: "string", short: "d", multiple: true },
  "data-raw": { type: "string", multiple: true },
  "data-binary": { type: "string", multiple: true },
  "data-ascii": { type: "string", multiple: true },
  json: { type: "string", multiple: true },
  user: { type: "string", short: "u" },
  cookie: { type: "string", short: "b" },
  url: { type: "string" },
  form: { type: "string", short: "F", multiple: true },
  "data-urlencode": { type: "string", multiple: true },
} as const;

/** Reads a line that was pasted from a terminal or a browser. */
export function requestOfCurl(line: string, readFile: (path: string) => string): SampleRequest {
  const [command, ...args] = words(line);
  if (command !== "curl") throw new Error("the line must start with curl");
  const { values, positionals } = parseArgs({ args, options: CURL, allowPositionals: true, strict: false });
  const given = (name: keyof typeof CURL): string[] => [values[name] ?? []].flat().map(String);
  if (given("form").length + given("data-urlencode").length > 0)
    throw new Error("--form and --data-urlencode cannot be read here: write the request into a file, for --request");
  const target = given("url")[0] ?? positionals.find((word) => /^(https?:\/\/|\/|[\w.-]+(:\d+)?\/)/.test(word));
  if (target === undefined) throw new Error("the line has no URL");
  const plain = (["data", "data-raw", "data-binary", "data-ascii"] as const).flatMap(given);
  const pieces = [...plain, ...given("json")].map((data) => (data.startsWith("@") ? readFile(data.slice(1)) : data));
  const headers = given("header").map(headerIn);
  const add = (name: string, value: string): void => {
    if (!headers.some(([sent]) => sent.toLowerCase() === name)) headers.push([name, value]);
  };
  if (given("json").length > 0) add("content-type", "application/json");
  else if (pieces.length > 0) add("content-type", "application/x-www-form-urlencoded");
  const [user] = given("user");
  if (user !== undefined) add("authorization", `Basic ${Buffer.from(user).toString("base64")}`);
  const [cookie] = given("cookie");
  if (cookie !== undefined) add("cookie", cookie);
  const body = Buffer.from(pieces.join(given("json").length > 0 ? "" : "&"));
  return sample(given("request")[0] ?? (pieces.length > 0 ? "POST" : "GET"), target, headers, body);
}

/** As a POSIX shell splits a line: quotes of both kinds, backslashes, lines that go on. */
function words(line: string): string[] {
  const tokens = line.replaceAll(/\\\r?\n/g, " ").matchAll(/(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+/gs);
  return [...tokens].map(([token]) =>
    token.replaceAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs, (_, single?: string, double?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? "") : double.replaceAll(/\\(["\\$`])/g, "$1"),
    ),
  );
}

function headerIn(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 1) throw new Error(`"${line}" is no header: write Name: value`);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function sample(method: string, target: string, lines: readonly [string, string][], body: Buffer): SampleRequest {
  const [, origin, rest = "/"] = /^(https?:\/\/[^/?#]*|[\w.-]+(?::\d+)?(?=\/))?([^#]*)/.exec(target) ?? [];
  const whole = rest.startsWith("/") ? rest : `/${rest}`;
  const [path = "", ...query] = whole.split("?");
  const hasHost = lines.some(([name]) => name.toLowerCase() === "host");
  const rawHeaders = [...(hasHost ? [] : ["Host", (origin ?? "gateway").replace(/^https?:\/\//, "")]), ...lines.flat()];
  const headers: Record<string, string[]> = {};
  for (let i = 0; i < rawHeaders.length; i += 2)
    (headers[rawHeaders[i]!.toLowerCase()] ??= []).push(rawHeaders[i + 1]!);
  return { method, path, query: query.join("?"), rawHeaders, headers, body };
}
