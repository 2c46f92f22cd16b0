import type { Readable } from "node:stream";
import type { Share } from "./budget.ts";
import type { HeaderValues } from "./domain/key.ts";
import type { ProblemCode } from "./domain/problem.ts";
import type { Name } from "./domain/record.ts";
import type { Unreadable } from "./domain/refusal.ts";

/** One request of a client, as values. */
export type Request = {
  id: string;
  method: string;
  /** As sent, without the query. */
  path: string;
  /** As sent, without "?". */
  query: string;
  headers: HeaderValues;
  /** Reads the whole body within the limits; asked at most once, and only for operations. */
  readBody(): Promise<BodyReading>;
  /** Headers as they go upstream. */
  outgoingHeaders(): string[];
  /** The client has closed its connection: nobody waits for an answer any more. */
  isGone(): boolean;
  /** What is said of the request in its log line and metrics; filled in on the way. */
  facts: Facts;
};

export type WholeBody = { kind: "whole"; body: Buffer; share: Share };
/** What there is of a body of which no more will be read here, and its upload goes on. */
export type BegunBody = { kind: "begun"; body: Buffer; share: Share };
/** `begun`: undefined where nothing was read yet, or nothing more will come. */
export type BodyReading = WholeBody | { kind: Unreadable; begun?: BegunBody };

/** None of an operation's: the request goes on as it is. `read`: its body or the beginning of it, where a rule had to look at that. */
export type PassOn = { outcome: "pass-through"; read?: WholeBody | BegunBody };
export const PASS_ON: PassOn = { outcome: "pass-through" };

export type Facts = {
  rule?: string;
  name?: Name;
  storeMs?: number;
  upstreamMs?: number;
  stored?: false;
  observed?: Outcome;
  why?: string;
};

type Outcome = "completed" | "replayed" | "released" | "unknown" | "published" | "pass-through" | ProblemCode;

export type Reply = {
  outcome: Exclude<Outcome, "pass-through">;
  status: number;
  headers: string[];
  body: Buffer | Uint8Array | Readable;
};

/** What is known of a request when it is over. `status` 0: the client left before anything was answered. */
export type RequestEnd = {
  requestId: string;
  method: string;
  path: string;
  status: number;
  outcome: Outcome;
  ms: number;
  facts: Facts;
  /** For an error that nobody expected. */
  error?: unknown;
};
