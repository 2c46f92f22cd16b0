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

/**
 * The key that a request carries in the first of `names` that is present. More than one header of a name, or two names that
 * differ, is a conflict: guessing which one was meant could execute twice.
 */
export function readKey(headers: HeaderValues, names: readonly string[], maxLength: number): KeyReading {
  let found: string | undefined;
  for (const name of names) {
    const values = headers[name];
    if (values === undefined) continue;
    if (values.length > 1) return refused("key-conflict", `${name} was sent ${values.length} times.`);
    const sent = values[0] ?? "";
    if (CONTROL.test(sent)) return refused("key-invalid", `${name} has a control character.`);
    const key = unquote(sent);
    if (key === undefined) return refused("key-invalid", `${name} starts with a quote but is not a quoted string.`);
    if (key === "") return refused("key-invalid", `${name} is empty.`);
    if (key.length > maxLength)
      return refused("key-invalid", `${name} has ${key.length} characters, more than ${maxLength}.`);
    if (found !== undefined && found !== key) return refused("key-conflict", `${names.join(" and ")} differ.`);
    found = key;
  }
  return found === undefined ? { kind: "absent" } : { kind: "key", key: found };
}

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

/** How a key is known in every scope. */
export const hashOfKey = (secret: Buffer, key: string): Token => digest(secret, "key", key);

/** The key's half of a name: enough for an operator to find a customer's key, without the customer's credential. */
export const keyHashOf = (name: Name): string => name.slice(name.indexOf(".") + 1);
