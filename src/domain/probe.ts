import { pointed, scalarText } from "./pointer.ts";
import type { Question } from "./question.ts";
import { readSource } from "./source.ts";
import type { Source, SourceInput } from "./source.ts";

/** How the API is asked what became of an operation whose outcome is unknown, and how its answer is read. */
export type Probe = {
  request: Question;
  /** Where in the answer the operation's result stands, or a list of what may be it (RFC 6901; "" is the whole answer). */
  found: string;
  /**
   * What the result must have in common with the request: a pointer into the result, and where the request has the same text. Without
   * any, only what stands alone is one: anything in a list may be another's.
   */
  equals: readonly { pointer: string; source: Source }[];
  /** Where the result says when it was made: what is older than the operation is another one's. */
  since: string | undefined;
  /** Statuses that say it is not there. */
  absent: readonly number[];
  /** With which the result is replayed. */
  status: number;
  /** Two absences so far apart say that it was not executed. */
  afterMs: number;
};

/** `pointer`: where the result stands. `unclear`: the answer does not tell, for the reason `why`. */
export type Sighting = { kind: "found"; pointer: string } | { kind: "absent" } | { kind: "unclear"; why: string };

/** The clock of the API may be behind the store's, and may count in whole seconds. */
const CLOCKS_DIFFER_MS = 5_000;

/**
 * What an answer to the probe's question says. An absence is said in so many words: a list that is there and empty, a null, or a status
 * that the rule names. Something else in the place of the result is no absence: the list may go on, and the API's clock may be wrong.
 * `startedAt`: of the operation, ms since 1970.
 */
export function sight(
  { found, equals, since, absent }: Probe,
  { status, json }: { status: number; json: unknown },
  { input, startedAt }: { input: SourceInput; startedAt: number },
): Sighting {
  if (absent.includes(status)) return { kind: "absent" };
  if (status !== 200) return unclear(`the API answered ${status}`);
  const place = pointed(json, found);
  if (place === null || isOfAnEmptyList(json, found) || (Array.isArray(place) && place.length === 0))
    return { kind: "absent" };
  const candidates: [pointer: string, value: unknown][] = Array.isArray(place)
    ? (equals.length === 0 ? [] : place).map((value, i) => [`${found}/${i}`, value])
    : [[found, place]];
  const result = candidates.find(
    ([, candidate]) =>
      typeof candidate === "object" &&
      candidate !== null &&
      equals.every(({ pointer, source }) => isSameText(pointed(candidate, pointer), readSource(source, input))) &&
      (since === undefined || isSince(pointed(candidate, since), startedAt)),
  );
  if (result !== undefined) return { kind: "found", pointer: result[0] };
  return unclear(
    place === undefined
      ? "the API's answer has nothing at the place of the result"
      : "what the API answered is not certainly this operation's result",
  );
}

const unclear = (why: string): Sighting => ({ kind: "unclear", why });

/** `/data/0` where `data` is an empty list. */
function isOfAnEmptyList(json: unknown, pointer: string): boolean {
  const parent = /^(.*)\/\d+$/.exec(pointer)?.[1];
  const list = parent === undefined ? undefined : pointed(json, parent);
  return Array.isArray(list) && list.length === 0;
}

function isSameText(value: unknown, text: string | undefined): boolean {
  return text !== undefined && scalarText(value) === text;
}

/** A date with its time and zone, or seconds or milliseconds since 1970. Of any other, nobody can tell. */
function isSince(value: unknown, startedAt: number): boolean {
  const at = instantOf(value);
  return at !== undefined && at >= startedAt - CLOCKS_DIFFER_MS;
}

const ISO_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;
/** In seconds, this would be after the year 5000. */
const LEAST_MILLISECONDS = 1e11;

function instantOf(value: unknown): number | undefined {
  if (typeof value === "number") return value < LEAST_MILLISECONDS ? value * 1_000 : value;
  // oxlint-disable-next-line no-restricted-globals -- reads no clock
  const at = typeof value === "string" && ISO_INSTANT.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
