import type { IncomingMessage } from "node:http";
import type { BodyReading } from "../request.ts";

export type BodyLimits = {
  maxBytes: number;
  /** For the whole body, in ms. */
  withinMs: number;
  /** Longest silence between two pieces, in ms: no honest client is that slow, and each one holds memory. */
  idleMs: number;
};

/** Bytes that all operations together hold of their clients' bodies (ONCEGATE_MAX_BUFFERED). */
export class BodyBudget {
  readonly #maxBytes: number;
  #taken = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#maxBytes) return false;
    this.#taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

/**
 * The whole body of an operation, or why it cannot be had. Whatever is not whole claims nothing: the caller refuses and the
 * connection is closed, since what else of the body arrives would be taken for the next request. `onBegin` is called where the
 * body will be read, and not where its announced length forbids it.
 */
export function readBody(
  req: IncomingMessage,
  limits: BodyLimits,
  budget: BodyBudget,
  onBegin: () => void = () => {},
): Promise<BodyReading> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let idle: NodeJS.Timeout | undefined;
    const whole = setTimeout(() => end({ kind: "slow" }), limits.withinMs);
    const forget = () => budget.give(bytes);

    const end = (reading: BodyReading): void => {
      clearTimeout(whole);
      clearTimeout(idle);
      req.off("data", onData).off("end", onEnd).off("error", onCut).off("close", onCut);
      if (reading.kind !== "whole") {
        req.on("error", () => {}); // what becomes of the rest of the upload concerns nobody
        req.pause();
        forget();
      }
      resolve(reading);
    };
    const stillAlive = (): void => {
      clearTimeout(idle);
      idle = setTimeout(() => end({ kind: "slow" }), limits.idleMs);
    };
    const onData = (chunk: Buffer): void => {
      stillAlive();
      if (bytes + chunk.length > limits.maxBytes) return end({ kind: "too-large" });
      if (!budget.take(chunk.length)) return end({ kind: "overloaded" });
      bytes += chunk.length;
      chunks.push(chunk);
    };
    const onEnd = (): void => end({ kind: "whole", body: Buffer.concat(chunks, bytes), forget });
    const onCut = (): void => end({ kind: "cut" });

    if (Number(req.headers["content-length"]) > limits.maxBytes) return end({ kind: "too-large" });
    onBegin();
    stillAlive();
    req.on("data", onData).on("end", onEnd).on("error", onCut).on("close", onCut);
  });
}
