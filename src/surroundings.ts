/** What a program is given by its surroundings; main.ts fills it from the process. */
export type Surroundings = {
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  /** What starts this very program once more: a command and its first arguments. */
  program: readonly [string, ...string[]];
  readFile: (path: string) => string;
  print: (text: string) => void;
  complain: (text: string) => void;
  /** Resolves at the next SIGTERM or SIGINT. */
  nextSignal: () => Promise<Signal>;
  /** What this process was told first, where another one started it as its worker. */
  handed?: Promise<unknown> | undefined;
  /** From now on every SIGHUP is told, and ends nothing. */
  onHangup: (listener: () => void) => void;
};

export type Signal = "SIGTERM" | "SIGINT";

/** Exit codes: 1 it failed, 2 it was told something wrong. */
export const FAILED = 1;
export const TOLD_WRONG = 2;
