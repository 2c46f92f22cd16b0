import { levels, pino } from "pino";
import type { Logger } from "pino";
import type { Standing } from "../store/continuity.ts";
import type { Alarm } from "../store/lease.ts";
import { keyHashOf } from "../domain/key.ts";
import type { Facts, Reply, Request, RequestEnd } from "../request.ts";
import type { Lines } from "./lines.ts";

/** pino's, and `line`, for what is written with every request: its fields are texts and numbers. */
export type Log = Logger & { line(level: "info" | "warn", fields: object, msg: string): void };

/**
 * A log of JSON lines of that level and above. Only chosen fields are ever logged, never headers, bodies, queries or keys.
 * `worker`: in every line, where several processes write.
 */
export function createLog(least: string, lines: Lines, worker?: number): Log {
  const base = worker === undefined ? undefined : { worker };
  const stream = {
    [Symbol.for("pino.metadata")]: true,
    /** Of the line being written: pino sets it. */
    lastLevel: 0,
    write: (line: string) => lines.write(line, stream.lastLevel >= levels.values["warn"]!),
  };
  const log = pino(
    { level: least, base: base ?? null, timestamp: () => `,"time":"${isoTime()}"`, formatters: { level: inWords } },
    stream,
  );
  /** pino looks at what each field is, which takes it three times as long. */
  const line: Log["line"] = (level, fields, msg) => {
    if (!log.isLevelEnabled(level)) return;
    lines.write(`${JSON.stringify({ level, time: isoTime(), ...base, ...fields, msg })}\n`, level === "warn");
  };
  return Object.assign(log, { line });
}

/** The text is the same for all lines of one millisecond. */
let [textOf, text] = [0, ""];
function isoTime(): string {
  const now = Date.now();
  if (now !== textOf) [textOf, text] = [now, new Date(now).toISOString()];
  return text;
}

/** Its own numbers only pino's tools know. */
const inWords = (level: string): { level: string } => ({ level });

/** One line a request. `key` is the hash by which an operator finds the record; times are in ms. */
export function logRequest(log: Log, end: RequestEnd): void {
  const { requestId, method, path, status, outcome, ms, facts, error } = end;
  const fields = { requestId, method, path, status, outcome, ms: rounded(ms), ...factsOf(facts) };
  if (error !== undefined) log.error({ ...fields, err: error }, "request failed");
  else log.line(outcome === "unknown" ? "warn" : "info", fields, "request"); // a customer was told that nobody knows
}

/** The end of an operation whose client was told `still-running`. */
export function logLateEnd(log: Log, { id: requestId, facts }: Request, { outcome, status }: Reply): void {
  const fields = { requestId, status, outcome, ...factsOf(facts) };
  log.line(outcome === "unknown" ? "warn" : "info", fields, "operation ended after its client's patience");
}

/** An operation that failed by a fault of the gateway, after its client was told `still-running`. */
export function logLateFailure(log: Logger, { id: requestId }: Request, err: unknown): void {
  log.error({ requestId, err }, "operation failed after its client's patience");
}

/** Tells when the store stops answering, and when it answers again. */
export function watchStore(log: Logger): (trouble: string | undefined) => void {
  let awaySince: number | undefined;
  return (trouble) => {
    if (trouble !== undefined && awaySince === undefined) {
      awaySince = performance.now();
      log.error({ why: trouble }, "the store does not answer: operations are refused while it does not");
    } else if (trouble === undefined && awaySince !== undefined) {
      log.info({ afterMs: rounded(performance.now() - awaySince) }, "the store answers again");
      awaySince = undefined;
    }
  };
}

/** Once, when data was lost, and once when operations go on. */
export function logStanding(log: Logger, standing: Standing, before: Standing | undefined): void {
  const { id: storeId } = standing;
  if (standing.kind === "lost")
    log.error({ storeId, why: standing.why }, "store-lost-data: operations are refused until an operator accepts it");
  else if (standing.kind === "foreign")
    log.error({ storeId, why: standing.why }, "store-lost-data: operations are refused on a store that is not the one");
  else if (before?.kind === "lost" || before?.kind === "foreign")
    log.warn({ storeId }, "store-lost-data is over: operations go on");
}

/** What must not happen while the store keeps what it acknowledged. */
export function logAlarm(log: Logger, { name, ...alarm }: Alarm): void {
  log.error({ ...alarm, key: keyHashOf(name) }, "the store does not have what it should");
}

/** What is undefined is left out of a line. */
function factsOf({ rule, name, storeMs, upstreamMs, stored, observed, why }: Facts) {
  return {
    rule,
    key: name && keyHashOf(name),
    storeMs: storeMs && rounded(storeMs),
    upstreamMs: upstreamMs && rounded(upstreamMs),
    stored,
    observed,
    why,
  };
}

const rounded = (ms: number): number => Math.round(ms * 100) / 100;
