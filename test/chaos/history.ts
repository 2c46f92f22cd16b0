import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { once } from "node:events";
import type { Counts } from "./gateway/counts.ts";
import type { Gap } from "./gateway/gap.ts";
import { now } from "./limits.ts";
import type { Leaving } from "./operation.ts";

/** Who is hit by a fault: a gateway by its name, or a part that all of them share. */
export type Target = string;

/** How one attempt of a client ended, as the client saw it. */
export type Ending =
  | {
      kind: "answer";
      status: number;
      /** Of a problem document; absent in any other answer. */
      code?: string;
      /** `Idempotent-Replayed: true`. */
      replayed: boolean;
      /** Not `Idempotency-Stored: false`. */
      stored: boolean;
      /** It carries a Set-Cookie. */
      cookie: boolean;
      /** Digest (digest.ts). */
      body: string;
    }
  /** No whole answer: refused, reset, cut, or none in time. */
  | { kind: "broken"; why: string }
  /** The client left by itself. */
  | { kind: "left" };

export type Attempt = {
  what: "attempt";
  id: number;
  at: number;
  gateway: string;
  tenant: string;
  key: string;
  /** Digests: they tell a retry from another request, and one credential from another. */
  body: string;
  credential: string;
  /** In which phase the client means to leave. */
  leaves?: Leaving;
  /** After everything was healed: what is answered now is what stays. */
  isFinal: boolean;
};

export type FaultEntry = {
  what: "fault";
  kind: string;
  target: Target;
  /** Of a kill or pause at a point of the pipeline. */
  gap?: Gap;
  at: number;
  until: number;
};

/** The store lost what it acknowledged between `from` and `lostAt`: everything before, or only what was written since. */
export type Loss = {
  what: "loss";
  kind: string;
  extent: "all" | "tail";
  from: number;
  /** It is back without it. */
  lostAt: number;
  /** When an operator began to say that operations may go on; absent where no gateway noticed anything. */
  acceptedAt?: number;
};

export type Entry =
  | { what: "run"; seed: string; store: string; faults: string[]; at: number }
  | Attempt
  | { what: "ended"; id: number; at: number; ending: Ending }
  | FaultEntry
  | { what: "healed"; at: number }
  /** A gateway ended though nobody killed it. */
  | { what: "died"; gateway: string; at: number; text: string }
  /** Nobody foresaw what it logged: alarms by their kind, and errors of its own. */
  | { what: "alarm"; gateway: string; at: number; kind: string; text: string }
  | Loss
  | { what: "counts"; gateway: string; when: "start" | "end"; at: number; counts: Counts }
  /** At the end: how many records the store holds, and how many of them read as unknown by its own count. */
  | { what: "records"; at: number; records: number; unknown: number };

/** What happened, in the order in which it was noticed; kept in memory for the checker and in a file for people. */
export class History {
  readonly entries: Entry[] = [];
  readonly #file: WriteStream;

  constructor(file: string) {
    this.#file = createWriteStream(file);
  }

  add(entry: Entry): void {
    this.entries.push(entry);
    this.#file.write(`${JSON.stringify(entry)}\n`);
  }

  /** Notes a fault that lasts until the promise is settled; whatever ended it, it was injected. */
  async fault(kind: string, target: Target, lasting: () => Promise<void>, gap?: Gap): Promise<void> {
    const at = now();
    try {
      await lasting();
    } finally {
      this.add({ what: "fault", kind, target, ...(gap === undefined ? {} : { gap }), at, until: now() });
    }
  }

  async close(): Promise<void> {
    this.#file.end();
    await once(this.#file, "finish");
  }
}
