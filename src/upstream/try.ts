import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Share } from "../budget.ts";
import { valueOf, valuesOf } from "../domain/headers.ts";
import type { RawHeaders } from "../domain/headers.ts";
import type { UnknownReason } from "../domain/record.ts";
import type { NeverSent } from "../domain/refusal.ts";
import type { Answer } from "../domain/replay.ts";
import { Pieces } from "../pieces.ts";
import type { UpstreamAddress } from "./connect.ts";
import { largeBody } from "./large-body.ts";
import type { LargeBody } from "./large-body.ts";

/** How one execution ended. Only `never-sent` may be tried again: after the first byte the upstream may have acted. */
export type Execution =
  | { kind: "answered"; answer: Answer }
  /** Larger than what is kept: the body comes as a stream, cut where the upstream cuts it. */
  | { kind: "overflowed"; status: number; headers: RawHeaders; body: Readable }
  | { kind: "never-sent"; reason: NeverSent; why: string }
  | { kind: "lost"; reason: UnknownReason; why: string };

/** The upstream is in trouble: it cannot be reached, answers 5xx, or does not answer. What the gateway kept back says nothing of it. */
export function isFailure(execution: Execution): boolean {
  switch (execution.kind) {
    case "answered":
      return execution.answer.status >= 500;
    case "overflowed":
      return execution.status >= 500;
    case "never-sent":
      return execution.reason === "unreachable";
    case "lost":
      return execution.reason !== "shutdown";
  }
}

export type UpstreamSettings = UpstreamAddress & {
  /** From the first byte of the request to the end of the answer. */
  timeoutMs: number;
  /** Answers up to this many bytes are collected whole. */
  keepBytes: number;
};

export type Permit = {
  /** Asked in the tick in which the first byte would leave, at every try. */
  maySend: () => boolean;
  /** Holds what is collected of the answer, until its owner gives it back. */
  share: Share;
};

/** One try of undici's: from the dispatch to its end, told in an Execution. */
export class Try implements Dispatcher.DispatchHandler {
  readonly ended: Promise<Execution>;
  readonly #settings: UpstreamSettings;
  readonly #permit: Permit;
  readonly #resetting: (abort: () => void) => void;
  readonly #onFree: (one: Try) => void;
  /** Among those under way (crowd.ts). */
  place = 0;
  #resolve!: (execution: Execution) => void;
  #isOver = false;
  #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined; // set once the first byte leaves
  #hasBegun = false; // the answer, with its first byte
  #status = 0;
  #headers: string[] = [];
  readonly #body = new Pieces();
  #overflow: LargeBody | undefined;

  /** `onFree` is called when nothing of the upstream is in use any more; perhaps more than once. */
  constructor(
    settings: UpstreamSettings,
    permit: Permit,
    { resetting, onFree }: { resetting: (abort: () => void) => void; onFree: (one: Try) => void },
  ) {
    this.#settings = settings;
    this.#permit = permit;
    this.#resetting = resetting;
    this.#onFree = onFree;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    // undici's own connect time-out does not cover the wait for a free connection; a little later, so that it speaks first.
    this.#timer = setTimeout(
      () => this.#giveUp("unreachable", "upstream-silent", "no connection in time"),
      settings.connectTimeoutMs + 500,
    );
  }

  abandon(): void {
    this.#giveUp("abandoned", "shutdown", "the gateway stops");
  }

  /** The line: it runs in the tick in which the head is written. Aborting inside it sends nothing. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#controller !== undefined)
      this.#end({ kind: "lost", reason: "upstream-reset", why: "it would have been sent twice" });
    else if (!this.#isOver && !this.#permit.maySend())
      this.#end({ kind: "never-sent", reason: "lease-over", why: "the lease is over" });
    if (this.#isOver) return controller.abort(new Error("not sent"));
    this.#controller = controller;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#giveUp("unreachable", "upstream-silent", "no answer in time"),
      this.#settings.timeoutMs,
    );
  }

  onResponseStarted(): void {
    this.#hasBegun = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) {
      this.#hasBegun = status < 102; // what is no interim answer here is a malformed one
      return;
    }
    this.#status = status;
    this.#headers = rawHeadersOf(controller);
    if (Number(valueOf(this.#headers, "content-length")) > this.#settings.keepBytes) this.#overflowNow(controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isFramed()) return; // cannot be told from a cut one: never used
    if (this.#overflow !== undefined) return this.#overflow.push(chunk);
    this.#permit.share.hold(chunk.length);
    this.#body.add(chunk);
    if (this.#body.length > this.#settings.keepBytes) this.#overflowNow(controller);
  }

  onResponseEnd(): void {
    if (this.#overflow !== undefined) return this.#endStream((stream) => stream.end());
    if (!this.#isFramed())
      return this.#end({ kind: "lost", reason: "answer-unframed", why: "answer without a length" });
    const answer = { status: this.#status, headers: this.#headers, body: this.#body.whole() };
    this.#end({ kind: "answered", answer });
  }

  /** Also called, without a controller, for what undici refuses. */
  onResponseError(_controller: unknown, error: Error & { code?: string }): void {
    if (this.#overflow !== undefined) return this.#endStream((stream) => stream.cut());
    const why = error.code ?? error.message;
    if (this.#controller === undefined)
      this.#end({ kind: "never-sent", reason: UNSENDABLE.has(why) ? "unsendable" : "unreachable", why });
    else this.#end({ kind: "lost", reason: this.#hasBegun ? "answer-cut" : "upstream-reset", why });
  }

  /** The body is as long as its head says, so that a cut one is noticed (RFC 9112, section 6.3). */
  #isFramed(): boolean {
    if (this.#status === 204 || this.#status === 304) return true;
    if (valueOf(this.#headers, "content-length") !== undefined) return true;
    // Any other coding, or chunked not as the last one: where the body ends is not told.
    return /^\s*chunked\s*$/i.test(valuesOf(this.#headers, "transfer-encoding").join(","));
  }

  #overflowNow(controller: Dispatcher.DispatchController): void {
    if (!this.#isFramed()) return;
    const overflow = largeBody(controller);
    if (this.#body.length > 0) overflow.push(this.#body.whole());
    this.#overflow = overflow;
    this.#end({ kind: "overflowed", status: this.#status, headers: this.#headers, body: overflow.stream });
    this.#timer = setTimeout(
      () => controller.abort(new Error("no end of the answer in time")),
      this.#settings.timeoutMs,
    );
  }

  #giveUp(unsent: NeverSent, lost: UnknownReason, why: string): void {
    const controller = this.#controller;
    if (controller === undefined) return this.#end({ kind: "never-sent", reason: unsent, why });
    this.#end({ kind: "lost", reason: lost, why });
    this.#resetting(() => controller.abort(new Error(why)));
  }

  #end(execution: Execution): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    if (execution.kind !== "overflowed") this.#onFree(this);
    this.#resolve(execution);
  }

  #endStream(how: (stream: LargeBody) => void): void {
    clearTimeout(this.#timer);
    this.#onFree(this);
    if (this.#overflow !== undefined) how(this.#overflow);
  }
}

/** undici's codes for a request that it will not write: nothing was sent. */
const UNSENDABLE = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"]);

/** undici gives Buffers, and the bytes of a header are Latin-1. */
function rawHeadersOf(controller: Dispatcher.DispatchController): string[] {
  const { rawHeaders } = controller;
  if (!Array.isArray(rawHeaders)) return [];
  return rawHeaders.map((text) => (typeof text === "string" ? text : text.toString("latin1")));
}
