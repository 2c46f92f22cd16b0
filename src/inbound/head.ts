import { HOP_BY_HOP } from "../domain/headers.ts";
import type { RawHeaders } from "../domain/headers.ts";
import { callerHeaders } from "../domain/rule.ts";
import type { Rule } from "../domain/rule.ts";
import { ONLY_TRUSTED, REBUILT } from "./forwarding.ts";

/** The head of a request as Node's parser lets it in, which is more than HTTP allows. */
export type Head = {
  method: string;
  target: string;
  /** The target without its query. */
  path: string;
  httpVersion: string;
  rawHeaders: RawHeaders;
  /** A WebSocket's: what follows the head is no body. */
  isUpgrade: boolean;
};

/** What of the header lines matters to the guard. Names are as sent or in lower case, values as sent. */
export type Lines = {
  count: number;
  /** The first field that came twice and may not. */
  repeated?: string;
  /** The first field that some servers would take for a known one. */
  lookalike?: string;
  /** The first field that Connection would take away on its way, and may not. */
  removed?: string;
  host?: string;
  transferEncoding?: string;
  contentLength?: string;
  expect?: string;
  via: string[];
};

/** What is known of a field. `once`: two of it could be read differently by gateway and upstream. `stays`: Connection must not nominate it. */
type Known = { spellings: string[]; once: boolean; stays: boolean };

export type KnownFields = ReadonlyMap<string, Known>;

/** They say who asks, for which host, what is sent and where it ends. */
const ONCE = ["host", "authorization", "x-api-key", "content-type", "content-length", "transfer-encoding", "expect"];
const STAYS = ["cookie", "content-encoding"];
const ONLY_KNOWN = [...HOP_BY_HOP, ...REBUILT, ...ONLY_TRUSTED, "prefer"];

/** The key headers of a rule and those its scope and credential are read from. */
function ownFields(rule: Rule): string[] {
  return [...rule.key.headers, ...callerHeaders(rule)];
}

/** The fields that the gateway acts on, by the name under which look-alikes would be taken for them. */
export function knownFields(rules: readonly Rule[]): KnownFields {
  const known = new Map<string, Known>();
  const add = (names: readonly string[], once: boolean, stays: boolean): void => {
    for (const name of names) {
      const field = known.get(plain(name));
      if (field === undefined) known.set(plain(name), { spellings: [name], once, stays });
      else if (!field.spellings.includes(name)) field.spellings.push(name);
    }
  };
  add([...ONCE, ...rules.flatMap(ownFields)], true, true);
  add(STAYS, false, true);
  add(ONLY_KNOWN, false, false);
  return known;
}

const UNUSUAL = /[^a-z0-9-]/;

/** CGI and what comes after it (WSGI, PHP) read `x_api_key` and `x-api-key` as one name, some also other punctuation. */
const plain = (name: string): string => (UNUSUAL.test(name) ? name.replaceAll(/[^a-z0-9-]/g, "-") : name);

/** In one pass: every request comes through here. */
export function readLines(raw: RawHeaders, known: KnownFields): Lines {
  const lines: Lines = { count: raw.length / 2, via: [] };
  const seen: Known[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const field = known.get(plain(name));
    if (field === undefined) continue;
    if (!field.spellings.includes(name)) lines.lookalike ??= raw[i]!;
    if (field.once && seen.includes(field)) lines.repeated ??= name;
    else seen.push(field);
    note(lines, name, raw[i + 1]!, known);
  }
  return lines;
}

function note(lines: Lines, name: string, value: string, known: KnownFields): void {
  if (name === "host") lines.host = value;
  else if (name === "transfer-encoding") lines.transferEncoding = value;
  else if (name === "content-length") lines.contentLength = value;
  else if (name === "expect") lines.expect = value;
  else if (name === "via") lines.via.push(value);
  else if (name === "connection")
    for (const option of value.split(",")) {
      const nominated = option.trim().toLowerCase();
      if (known.get(plain(nominated))?.stays === true) lines.removed ??= nominated;
    }
}
