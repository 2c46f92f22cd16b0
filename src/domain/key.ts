import type { Fields } from "./fields.ts";
import type { Name, Token } from "./record.ts";
import { digest } from "./token.ts";

export type KeyReading =
  | { kind: "key"; key: string }
  | { kind: "absent" }
  | { kind: "refused"; code: "key-invalid" | "key-conflict"; what: string };

/** Header values by lower-case name, every occurrence on its own (Node's `headersDistinct`). */
export type HeaderValues = Readonly<Record<string, readonly string[] | undefined>>;

/** RFC 8941 string: the header's form in the IETF draft. Clients in the field send the bare text; both name the same key. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;
/** Control characters; bytes from 0x80 on may be UTF-8 and are kept as they are. */
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Where a rule finds its keys and what they may look like. */
export type KeySetting = {
  /** Header names, in lower case. */
  headers: readonly string[];
  /** Fields of the body. */
  fields: readonly string[];
  maxLength: number;
  /** Matches the whole key. */
  pattern: RegExp | undefined;
  isRequired: boolean;
};

/**
 * The key that a request carries in the first of the rule's headers and fields that is present. More than one header of a name, or
 * two places that differ, is a conflict: guessing which one was meant could execute twice. `fields` of a body that was not read
 * are none.
 */
export function keyOf(setting: KeySetting, headers: HeaderValues, fields: Fields | undefined): KeyReading {
  let found: KeyReading = ABSENT;
  for (const name of setting.headers)
    found = agreed(setting, found, check(setting, name, inHeader(name, headers[name])));
  if (fields === undefined) return found;
  for (const name of setting.fields)
    found = agreed(setting, found, check(setting, inBody(name), inField(name, fields)));
  return found;
}

/** What two places say together, `one` before the `other`. */
function agreed(setting: KeySetting, one: KeyReading, other: KeyReading): KeyReading {
  if (one.kind === "refused" || other.kind === "absent") return one;
  const differ = one.kind === "key" && other.kind === "key" && one.key !== other.key;
  return differ ? refused("key-conflict", `${placesOf(setting)} differ.`) : other;
}

function check({ maxLength, pattern }: KeySetting, place: string, reading: KeyReading): KeyReading {
  if (reading.kind !== "key") return reading;
  const { key } = reading;
  if (CONTROL.test(key)) return refused("key-invalid", `${place} has a control character.`);
  if (key.length > maxLength)
    return refused("key-invalid", `${place} has ${key.length} characters, more than ${maxLength}.`);
  if (pattern?.test(key) === false) return refused("key-invalid", `${place} is not of the form that keys have here.`);
  return reading;
}

/** Where a client may put its key, in words. */
export const placesOf = ({ headers, fields }: KeySetting, between = " and "): string =>
  [...headers, ...fields.map(inBody)].join(between);

function inHeader(name: string, values: readonly string[] | undefined): KeyReading {
  if (values === undefined) return ABSENT;
  if (values.length > 1) return refused("key-conflict", `${name} was sent ${values.length} times.`);
  const sent = values[0] ?? "";
  if (CONTROL.test(sent)) return refused("key-invalid", `${name} has a control character.`);
  const key = unquote(sent);
  if (key === undefined) return refused("key-invalid", `${name} starts with a quote but is not a quoted string.`);
  return key === "" ? refused("key-invalid", `${name} is empty.`) : { kind: "key", key };
}

/** An empty field counts as absent: forms send what was not filled in. */
function inField(name: string, fields: Fields): KeyReading {
  if (!fields.isPresent(name)) return ABSENT;
  const key = fields.text(name);
  if (key !== undefined) return { kind: "key", key };
  return refused("key-invalid", `${inBody(name)} is not one text or whole number.`);
}

const ABSENT: KeyReading = { kind: "absent" };
const inBody = (name: string): string => `${name} in the body`;

function refused(code: "key-invalid" | "key-conflict", what: string): KeyReading {
  return { kind: "refused", code, what };
}

function unquote(sent: string): string | undefined {
  if (!sent.startsWith('"')) return sent;
  return QUOTED.exec(sent)?.[1]?.replaceAll(/\\(.)/g, "$1");
}

/** What names the operation in the store, the logs and the metrics. The half behind the dot is the key's alone. */
export function nameOf(secret: Buffer, scope: string, key: string): Name {
  return `${digest(secret, "scope", scope)}.${hashOfKey(secret, key)}`;
}

/** What names a document's queue: of one scope's, whatever operation is about it. */
export function documentName(secret: Buffer, scope: string, kind: string, id: string): Name {
  return `${digest(secret, "scope", scope)}.${digest(secret, "document", kind, id)}`;
}

/** What names what operations have in common that are duplicates of each other: of one scope's and one rule's. */
export function likenessName(secret: Buffer, scope: string, alike: readonly (string | Uint8Array)[]): Name {
  return `${digest(secret, "scope", scope)}.${digest(secret, "likeness", ...alike)}`;
}

/** How a key is known in every scope. */
export const hashOfKey = (secret: Buffer, key: string): Token => digest(secret, "key", key);

/** The scope's half of a name. */
export const scopeHashOf = (name: Name): string => name.slice(0, name.indexOf("."));

/** The key's half of a name: enough for an operator to find a customer's key, without the customer's credential. */
export const keyHashOf = (name: Name): string => name.slice(name.indexOf(".") + 1);
