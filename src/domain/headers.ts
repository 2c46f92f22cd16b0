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

/** What may pass a proxy: without hop-by-hop fields, those that Connection nominates, and `drop` (lower-case names). */
export function endToEnd(raw: RawHeaders, drop: readonly string[] = []): string[] {
  const dropped = new Set([...HOP_BY_HOP, ...drop]);
  for (const value of valuesOf(raw, "connection"))
    for (const option of value.split(",")) dropped.add(option.trim().toLowerCase());
  const passed: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (!dropped.has(raw[i]!.toLowerCase())) passed.push(raw[i]!, raw[i + 1]!);
  return passed;
}

export function valuesOf(raw: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (raw[i]!.toLowerCase() === name) values.push(raw[i + 1]!);
  return values;
}

/**
 * How a gateway names itself in Via (RFC 9110, section 7.6.3). In answers every one is "oncegate", so that a replay is the same
 * from each; in requests each has a pseudonym of its own, by which it knows what it has already sent.
 */
export const via = (httpVersion: string, pseudonym = "oncegate"): string => `${httpVersion} ${pseudonym}`;

/** As a dictionary: repeats as arrays, under the spelling that came first. */
export function byName(raw: RawHeaders): Record<string, string | string[]> {
  const dictionary: Record<string, string | string[]> = Object.create(null);
  const spelling = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const [sent, value] = [raw[i]!, raw[i + 1]!];
    const name = spelling.get(sent.toLowerCase()) ?? sent;
    spelling.set(sent.toLowerCase(), name);
    const before = dictionary[name];
    dictionary[name] = before === undefined ? value : [before, value].flat();
  }
  return dictionary;
}
