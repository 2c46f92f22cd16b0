/** Raw headers: name, value, name, value, ... as received; names keep their case, values are Latin-1, repeats stay repeats. */
export type RawHeaders = readonly string[];

/** RFC 9110, section 7.6.1, and what stands for the same in practice: about one connection only, never passed on. */
export const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Names (in lower case) that do not pass: hop-by-hop fields and these. Made once, since a set of twenty costs as much as a head. */
export const dropping = (names: readonly string[]): ReadonlySet<string> => new Set([...HOP_BY_HOP, ...names]);
const HOP_BY_HOP_ONLY = dropping([]);

/** What may pass a proxy: without hop-by-hop fields, those that Connection nominates, and what else `dropped` names. */
export function endToEnd(raw: RawHeaders, dropped: ReadonlySet<string> = HOP_BY_HOP_ONLY): string[] {
  const nominated = nominatedBy(raw);
  const passed: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!dropped.has(name) && nominated?.has(name) !== true) passed.push(raw[i]!, raw[i + 1]!);
  }
  return passed;
}

/** Undefined where there are none, as nearly always: the usual word, keep-alive, names a field that never passes. */
function nominatedBy(raw: RawHeaders): ReadonlySet<string> | undefined {
  let nominated: Set<string> | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    if (!isCalled(raw[i]!, "connection") || isCalled(raw[i + 1]!, "keep-alive")) continue;
    nominated ??= new Set();
    for (const option of raw[i + 1]!.split(",")) nominated.add(option.trim().toLowerCase());
  }
  return nominated;
}

export function valuesOf(raw: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (isCalled(raw[i]!, name)) values.push(raw[i + 1]!);
  return values;
}

/** The first one's. */
export function valueOf(raw: RawHeaders, name: string): string | undefined {
  for (let i = 0; i < raw.length; i += 2) if (isCalled(raw[i]!, name)) return raw[i + 1]!;
  return undefined;
}

const isCalled = (sent: string, name: string): boolean => sent.length === name.length && sent.toLowerCase() === name;

/**
 * How a gateway names itself in Via (RFC 9110, section 7.6.3). In answers every one is "oncegate", so that a replay is the same
 * from each; in requests each has a pseudonym of its own, by which it knows what it has already sent.
 */
export const via = (httpVersion: string, pseudonym = "oncegate"): string => `${httpVersion} ${pseudonym}`;

/**
 * As a dictionary: repeats as arrays, under the spelling that came first. A plain object: one without a prototype is a hash table to
 * V8, which made every request that passes a quarter dearer.
 */
export function byName(raw: RawHeaders): Record<string, string | string[]> {
  const dictionary: Record<string, string | string[]> = {};
  const spellings = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const [sent, value] = [raw[i]!, raw[i + 1]!];
    const lower = sent.toLowerCase();
    const name = spellings.get(lower);
    if (name !== undefined) dictionary[name] = [dictionary[name]!, value].flat();
    else {
      spellings.set(lower, sent);
      if (sent === "__proto__") Object.defineProperty(dictionary, sent, { value, ...OWN });
      else dictionary[sent] = value;
    }
  }
  return dictionary;
}

const OWN = { enumerable: true, writable: true, configurable: true };
