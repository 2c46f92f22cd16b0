import type { Request, RequestHandler } from "express";
import { send, type Answer } from "./answer.ts";

/** Serves a request to which no fault applies: the oracles always tell the truth. */
export function reading(answer: (request: Request) => Answer): RequestHandler {
  return (request, response) => send(response, answer(request));
}
