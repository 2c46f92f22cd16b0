import { destination } from "pino";
import { within } from "../patience.ts";

/** What text goes to, a line at a time. `isUrgent`: it does not wait for others. */
export type Lines = { write(line: string, isUrgent: boolean): void };

/** Lines wait in memory while stdout takes none; beyond this they are dropped. */
const MOST_WAITING_BYTES = 16_777_216;
/** A write goes through a thread and back: with one for each line it cost a fifth of a request, for each 32 still a tenth. */
const WRITTEN_AT_ONCE = 128;
const WRITTEN_AFTER_MS = 100;
const OPEN_AGAIN_MS = 1_000;
/** A stalled pipe must not keep the process either. */
const FLUSH_WITHIN_MS = 1_000;

/** Written asynchronously: a stalled pipe must not freeze the gateway. What is urgent is told before anything worse happens. */
export function linesToStdout(): Lines & { flush: () => Promise<void> } {
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
  return {
    write(line, isUrgent) {
      waiting.push(line);
      if (isUrgent || waiting.length >= WRITTEN_AT_ONCE) writeWaiting();
      else later ??= setTimeout(writeWaiting, WRITTEN_AFTER_MS).unref();
    },
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
