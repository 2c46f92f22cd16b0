import { levels, pino } from "pino";
import type { Logger } from "pino";
import type { Standing } from "../store/continuity.ts";
import type { Alarm } from "../store/lease.ts";
import { keyHashOf } from "../domain/key.ts";
import type { Reply, Request, RequestEnd } from "../request.ts";
import type { Lines } from "./lines.ts";

/** pino's, and `line`, for what is written with every request. */
export type Log = Logger & { line(level: "info" | "warn", fields: Fields, msg: Message): void };

/** None needs escaping. */
type Message = "request" | "operation ended after its client's patience";

type Fields = { requestId: string } & Record<string, string | number | boolean | undefined>;

/**
 * A log of JSON lines of that level and above. Only chosen fields are ever logged, never headers, bodies, queries or keys.
 * `worker`: in every line, where several processes write.
 */
export function createLog(least: string, lines: Lines, worker?: number): Log {
  const base = worker === undefined ? null : { worker };
  const inEach = worker === undefined ? "" : `,"worker":${worker}`;
  const stream = {
    [Symbol.for("pino.metadata")]: true,
    /** Of the line being written: pino sets it. */
    lastLevel: 0,
    write: (line: string) => lines.write(line, stream.lastLevel >= levels.values["warn"]!),
  };
  const log = pino(
    { level: least, base, timestamp: () => `,"time":"${isoTime()}"`, formatters: { level: inWords } },
    stream,
  );
  /** pino looks at what each field is, which takes it three times as long. */
  const line: Log["line"] = (level, fields, msg) => {
    if (!log.isLevelEnabled(level)) return;
    const begin = `{"level":"${level}","time":"${isoTime()}"${inEach},`;
    lines.write(`${begin}${JSON.stringify(fields).slice(1, -1)},"msg":"${msg}"}\n`, level === "warn");
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
  const { outcome, error } = end;
  const fields = endedOf(end);
  if (error !== undefined) log.error({ ...fields, err: error }, "request failed");
  else log.line(outcome === "unknown" ? "warn" : "info", fields, "request"); // a customer was told that nobody knows
}

/** The end of an operation whose client was told `still-running`. */
export function logLateEnd(log: Log, { id: requestId, facts }: Request, { outcome, status }: Reply): void {
  const fields = endedOf({ requestId, status, outcome, facts });
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

/** What is undefined is left out of a line. In one piece: to join it of two took longer than to write it. */
function endedOf(end: Pick<RequestEnd, "requestId" | "status" | "outcome" | "facts"> & Partial<RequestEnd>): Fields {
  const { requestId, method, path, status, outcome, ms, facts } = end;
  const { rule, name, storeMs, upstreamMs, stored, observed, why } = facts;
  return {
    requestId,
    method,
    path,
    status,
    outcome,
    ms: ms && rounded(ms),
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
