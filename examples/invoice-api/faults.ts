import { setTimeout as sleep } from "node:timers/promises";
import type { Request, RequestHandler } from "express";
import { cut, empty, problem, reset, send, type Answer } from "./answer.ts";

/** A fault asked for by `x-sample-fault`. `creates` says whether the request took effect all the same. */
type Fault =
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly text: string }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly creates: boolean;
      readonly retryAfter: string | undefined;
    }
  | { readonly kind: "reset"; readonly creates: boolean }
  | { readonly kind: "hang"; readonly creates: boolean }
  | { readonly kind: "cut"; readonly framing: "length" | "chunked" }
  | { readonly kind: "delay"; readonly milliseconds: number; readonly creates: "before" | "after" }
  | { readonly kind: "unframed" };

// Longer than every time limit of the gateway's defaults, and still an end.
const LONGEST_DELAY_MS = 600_000;

/**
 * Serves a request that takes effect when `perform` is called and not before, with the fault that it asks for.
 * The body has arrived by then. Once performing is due it happens, whether or not the client is still there.
 */
export function operation(perform: (request: Request) => Answer): RequestHandler {
  return async (request, response) => {
    const fault = parseFault(request.get("x-sample-fault"));
    switch (fault.kind) {
      case "none":
        return send(response, perform(request));
      case "unknown":
        return send(response, problem(400, "Unknown fault", `x-sample-fault cannot be "${fault.text}".`));
      case "status":
        if (fault.creates) perform(request);
        return send(response, asked(fault.status, fault.retryAfter));
      case "reset":
        if (fault.creates) perform(request);
        return reset(response);
      case "hang":
        if (fault.creates) perform(request);
        return;
      case "cut":
        return cut(response, { ...perform(request), framing: fault.framing });
      case "delay": {
        if (fault.creates === "after") await sleep(fault.milliseconds);
        const answer = perform(request);
        if (fault.creates === "before") await sleep(fault.milliseconds);
        return send(response, answer);
      }
      case "unframed":
        return send(response, { ...perform(request), framing: "close" });
    }
  };
}

function parseFault(text: string | undefined): Fault {
  switch (text) {
    case undefined:
      return { kind: "none" };
    case "fail-before":
    case "fail-after":
      return { kind: "status", status: 500, creates: text === "fail-after", retryAfter: undefined };
    case "reset-before":
    case "reset-after":
      return { kind: "reset", creates: text === "reset-after" };
    case "hang":
    case "hang-before":
      return { kind: "hang", creates: text === "hang" };
    case "cut":
      return { kind: "cut", framing: "length" };
    case "cut-chunked":
      return { kind: "cut", framing: "chunked" };
    case "unframed":
      return { kind: "unframed" };
  }
  return parseStatus(text) ?? parseDelay(text) ?? { kind: "unknown", text };
}

function parseStatus(text: string): Fault | undefined {
  const match = /^status:([2-5]\d\d)(;after)?(?:;retry-after=(\d{1,9}))?$/.exec(text);
  if (!match) return undefined;
  return { kind: "status", status: Number(match[1]), creates: match[2] !== undefined, retryAfter: match[3] };
}

function parseDelay(text: string): Fault | undefined {
  const match = /^delay(-after)?:(\d{1,6})$/.exec(text);
  if (!match || Number(match[2]) > LONGEST_DELAY_MS) return undefined;
  return { kind: "delay", milliseconds: Number(match[2]), creates: match[1] ? "before" : "after" };
}

function asked(status: number, retryAfter: string | undefined): Answer {
  const bodiless = status === 204 || status === 304;
  const answer = bodiless
    ? empty(status)
    : problem(status, "Fault on request", "x-sample-fault asked for this answer.");
  return retryAfter === undefined ? answer : { ...answer, headers: [...answer.headers, ["Retry-After", retryAfter]] };
}
