import { destination, levels, pino } from "pino";
import type { Logger } from "pino";
import type { Standing } from "../store/continuity.ts";
import type { Alarm } from "../store/lease.ts";
import { within } from "../patience.ts";
import { keyHashOf } from "../domain/key.ts";
import type { Facts, Reply, Request, RequestEnd } from "../request.ts";

/** Lines wait in memory while stdout takes none; beyond this they are dropped. */
const MOST_WAITING_BYTES = 16_777_216;
/** A write of each line by itself costs a fifth of a request. Nobody reads faster than this. */
const WRITTEN_AT_ONCE = 32;
const WRITTEN_AFTER_MS = 100;
const OPEN_AGAIN_MS = 1_000;
/** A stalled pipe must not keep the process either. */
const FLUSH_WITHIN_MS = 1_000;

/**
 * Lines of JSON on stdout, written asynchronously: a stalled pipe must not freeze the gateway. Only chosen fields are ever logged,
 * never headers, bodies, queries or keys. `worker`: in every line, where several processes write.
 */
export function openLog(level: string, worker?: number): { log: Logger; flush: () => Promise<void> } {
  let stdout = openStdout();
  /** Where stdout fails (a full disk behind it), lines are lost until it is back; requests are not. */
  function openStdout(): ReturnType<typeof destination> | undefined {
    const opened = destination({ fd: 1, sync: false, maxLength: MOST_WAITING_BYTES });
    opened.on("error", () => {
      if (stdout !== opened) return;
      stdout = undefined;
      opened.destroy(); // also because its flush at the end would wait for ever
      setTimeout(() => (stdout = openStdout()), OPEN_AGAIN_MS).unref();
    });
    return opened;
  }
  /** Not by the stream's own buffer, which counts all that waits again with every line: five kilobytes of garbage each. */
  let waiting: string[] = [];
  let later: NodeJS.Timeout | undefined;
  const writeWaiting = (): void => {
    clearTimeout(later);
    later = undefined;
    const text = waiting.join("");
    waiting = [];
    stdout?.write(text);
  };
  const lines = {
    [Symbol.for("pino.metadata")]: true,
    /** Of the line being written: pino sets it. */
    lastLevel: 0,
    write(line: string): void {
      waiting.push(line);
      // What is wrong is told before anything worse happens.
      if (waiting.length >= WRITTEN_AT_ONCE || lines.lastLevel >= levels.values["warn"]!) writeWaiting();
      else later ??= setTimeout(writeWaiting, WRITTEN_AFTER_MS).unref();
    },
  };
  return {
    log: pino(
      {
        level,
        base: worker === undefined ? null : { worker },
        timestamp: isoTime,
        formatters: { level: inWords },
      },
      lines,
    ),
    /** Not the stream's own flush, which without a buffer waits for nothing: the last lines overtook those still being written. */
    async flush() {
      writeWaiting();
      const last = stdout;
      if (last === undefined) return;
      stdout = undefined;
      const written = new Promise<true>((done) => last.once("close", () => done(true)));
      last.end();
      if ((await within(FLUSH_WITHIN_MS, written)) === undefined) last.destroy();
    },
  };
}

/** As pino's own, which makes the text again for each of the lines of one millisecond. */
let [textOf, text] = [0, ""];
function isoTime(): string {
  const now = Date.now();
  if (now !== textOf) [textOf, text] = [now, `,"time":"${new Date(now).toISOString()}"`];
  return text;
}

/** Its own numbers only pino's tools know. */
const inWords = (level: string): { level: string } => ({ level });

/** One line a request. `key` is the hash by which an operator finds the record; times are in ms. */
export function logRequest(log: Logger, end: RequestEnd): void {
  const { requestId, method, path, status, outcome, ms, facts, error } = end;
  const line = { requestId, method, path, status, outcome, ms: rounded(ms), ...factsOf(facts) };
  if (error !== undefined) log.error({ ...line, err: error }, "request failed");
  else log[outcome === "unknown" ? "warn" : "info"](line, "request"); // a customer was told that nobody knows
}

/** The end of an operation whose client was told `still-running`. */
export function logLateEnd(log: Logger, { id: requestId, facts }: Request, { outcome, status }: Reply): void {
  const level = outcome === "unknown" ? "warn" : "info";
  log[level]({ requestId, status, outcome, ...factsOf(facts) }, "operation ended after its client's patience");
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

/** What is undefined pino leaves out. */
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
