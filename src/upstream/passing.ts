import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Problem } from "../domain/problem.ts";
import { reset } from "./answer.ts";
import { SILENT } from "./limits.ts";

/** Says what went wrong before anything of an answer was sent. */
export type Refuse = (problem: Problem) => void;

/** Of a body, what was read before the request went on; nothing follows where it is whole. */
export type ReadBody = { kind: "whole" | "begun"; body: Buffer };

/** Methods that only read (RFC 9110, section 9.2.1). */
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** One request on its way through, and what becomes of its client when that fails. */
export class Passing {
  /** As the upstream gets it. */
  readonly target: string;
  readonly read: ReadBody | undefined;
  readonly #req: IncomingMessage;
  readonly #refuse: Refuse;
  /** The request to the upstream, once there is one. */
  sent: ClientRequest | undefined;
  /** A connection stood: from then on the request may have been sent. */
  isConnected = false;
  /** Set as soon as the head of an answer is there. */
  answer: { message: IncomingMessage; res: ServerResponse } | undefined;
  /** Hears the status of an answer that no response object carries: an upgrade's. */
  onStatus: (status: number) => void = () => {};
  /** Nothing that happens to the upstream's connection concerns the client any more. */
  isOver = false;

  constructor(req: IncomingMessage, target: string, read: ReadBody | undefined, refuse: Refuse) {
    this.#req = req;
    this.target = target;
    this.read = read;
    this.#refuse = refuse;
  }

  /** Before an answer has begun, a problem; in the midst of one, a reset; behind a whole one, nothing. The first failure counts. */
  fail(error: NodeJS.ErrnoException): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.answer?.res.headersSent !== true) {
      if (!this.#req.socket.destroyed) this.#refuse(this.#problemOf(error.code ?? error.message));
    } else if (!this.answer.message.complete) reset(this.answer.res);
  }

  /** In words for a request without a key. */
  #problemOf(cause: string): Problem {
    if (!this.isConnected)
      return {
        code: "upstream-unreachable",
        what: `No connection to the API could be made (${cause}).`,
        next: "Nothing was sent: it is safe to send it again.",
      };
    return {
      code: "outcome-unknown",
      status: cause === SILENT ? 504 : 502,
      what: `The request was sent, and no usable answer came back (${cause}).`,
      next: SAFE.has(this.#req.method ?? "")
        ? "It only reads, and can be sent again."
        : "Look in the API whether it was carried out before sending it again; with an idempotency key that would be safe.",
    };
  }
}
