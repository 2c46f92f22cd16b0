import type { IncomingMessage } from "node:http";
import { Share } from "../budget.ts";
import type { Budget } from "../budget.ts";
import { Pieces } from "../pieces.ts";
import type { BegunBody, BodyReading } from "../request.ts";

export type BodyLimits = {
  maxBytes: number;
  /** For the whole body, in ms. */
  withinMs: number;
  /** Longest silence between two pieces, in ms: no honest client is that slow, and each one holds memory. */
  idleMs: number;
};

/**
 * The whole body of an operation, or why it cannot be had. Whatever is not whole claims nothing: the caller refuses and the
 * connection is closed, since what else of the body arrives would be taken for the next request. `onBegin` is called where the
 * body will be read, and not where its announced length forbids it. To be called in the tick of the request: later, its end may be past.
 */
export function readBody(
  req: IncomingMessage,
  limits: BodyLimits,
  budget: Budget,
  onBegin: () => void = () => {},
): Promise<BodyReading> {
  return new Promise((resolve) => {
    const body = new Pieces();
    const share = new Share(budget);
    /** Whoever is told gives its share back. */
    const begun = (): BegunBody => ({ kind: "begun", body: body.whole(), share });
    const slow = (): void => end({ kind: "slow", begun: begun() });
    let idle: NodeJS.Timeout | undefined;
    let whole: NodeJS.Timeout | undefined;
    const limitTime = (): void => {
      if (isOver || req.complete) return;
      idle = setTimeout(slow, limits.idleMs);
      whole = setTimeout(slow, limits.withinMs);
    };

    let isOver = false;
    const end = (reading: BodyReading): void => {
      if (isOver) return; // its request will be closed, too
      isOver = true;
      clearTimeout(whole);
      clearTimeout(idle);
      if (reading.kind !== "whole") {
        req.off("data", onData);
        req.on("error", () => {}); // what becomes of the rest of the upload concerns nobody
        req.pause();
        if (reading.begun === undefined) share.giveBack();
      }
      resolve(reading);
    };
    const onData = (chunk: Buffer): void => {
      idle?.refresh();
      const isTooLarge = body.length + chunk.length > limits.maxBytes;
      const isAdmitted = !isTooLarge && share.admit(chunk.length);
      if (!isAdmitted) share.hold(chunk.length); // it is here, and may have to go on
      body.add(chunk);
      if (!isAdmitted) end({ kind: isTooLarge ? "too-large" : "overloaded", begun: begun() });
    };
    const onEnd = (): void => end({ kind: "whole", body: body.whole(), share });
    const onCut = (): void => end({ kind: "cut" });

    if (Number(req.headers["content-length"]) > limits.maxBytes) return end({ kind: "too-large" });
    if (!share.admit(0)) return end({ kind: "overloaded" });
    onBegin();
    queueMicrotask(limitTime); // a body that came with its head is here by then, and needs no timer
    req.on("data", onData).on("end", onEnd).on("error", onCut).on("close", onCut);
  });
}
