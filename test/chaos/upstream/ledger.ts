import { existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Behaviour } from "./behaviour.ts";

/** The truth: what reached the upstream and what it did, written by itself and synced before anybody hears of it. */
export type LedgerLine =
  | {
      what: "received";
      /** Of this one request. */
      request: string;
      at: number;
      /** Which gateway sent it, by the base path of its upstream. */
      gateway: string;
      tenant: string;
      key: string;
      credential: string;
      /** Digest of the request's body. */
      body: string;
      behaviour: Behaviour["kind"];
    }
  /** It acted: an invoice exists. `answer`: the digest of what it answers (digest.ts). */
  | { what: "acted"; request: string; at: number; status: number; answer: string; bytes: number }
  /** It did not act, and said so with this status. */
  | { what: "declined"; request: string; at: number; status: number; answer: string }
  /** The kernel has the whole answer. */
  | { what: "answered"; request: string; at: number };

export class Ledger {
  readonly #fd: number;

  constructor(file: string) {
    this.#fd = openSync(file, "a");
  }

  append(line: LedgerLine): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
    fsyncSync(this.#fd);
  }
}

/** A last line that its writer did not live to finish was heard of by nobody. */
export function readLedger(file: string): LedgerLine[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.flatMap((line, i) => {
    try {
      return [JSON.parse(line) as LedgerLine];
    } catch (error) {
      if (line === "" || i === lines.length - 1) return [];
      // A killed writer's half line, with the next writer's first line behind it.
      const whole = line.lastIndexOf('{"what"');
      if (whole > 0) return [JSON.parse(line.slice(whole)) as LedgerLine];
      throw error;
    }
  });
}
