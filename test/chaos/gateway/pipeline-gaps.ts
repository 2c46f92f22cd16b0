import { Server, ServerResponse } from "node:http";
import { RedisRecords } from "../../../src/store/redis/redis-records.ts";
import { Thread } from "../../../src/store/sqlite/thread.ts";
import { Try } from "../../../src/upstream/try.ts";
import type { ClaimAnswer } from "../../../src/domain/claim.ts";
import type { Started } from "../../../src/store/sqlite/verbs.ts";
import { gap } from "./trap.ts";
import { wrap } from "./wrap.ts";
import type { Call } from "./wrap.ts";

const SETTLES = new Set(["complete", "release", "hold"]);

/** One verb of the store, with the gaps before it is sent, between sending and answer, and after the answer. */
async function asking(verb: unknown, ask: Call): Promise<unknown> {
  const isSettle = SETTLES.has(String(verb));
  if (verb === "claim") gap("identified");
  else if (isSettle) gap("answered");
  const asked = ask();
  // Behind the microtask in which the SQLite thread is sent its batch; ioredis has written by now.
  queueMicrotask(() => {
    if (verb === "claim") gap("claim-sent");
    else if (verb === "renew") gap("renew-sent");
    else if (isSettle) gap("settle-sent");
  });
  const answer = await asked;
  if (verb === "claim" && isOwned(answer)) gap("claimed");
  else if (isSettle) gap("settled");
  return answer;
}

/** `answer`: of the store, or of the thread, which says with it how many claims were counted. */
function isOwned(answer: unknown): boolean {
  const claim = answer as ClaimAnswer | Started<ClaimAnswer>;
  const { kind } = "answer" in claim ? claim.answer : claim;
  return kind === "claimed" || kind === "yours";
}

for (const verb of ["claim", "renew", "complete", "release", "hold"] as const)
  wrap(RedisRecords.prototype, verb, (ask) => asking(verb, ask));
wrap(Thread.prototype, "ask", (ask, verb) => asking(verb, ask));

wrap(Try.prototype, "onRequestStart", (start) => {
  start();
  gap("may-send");
  setImmediate(() => gap("request-sent")); // the head leaves in this tick
});
wrap(Try.prototype, "onResponseStart", (start) => {
  start();
  gap("answer-begun");
});

wrap(Server.prototype, "emit", (emit, event, req) => {
  if (event === "request" && (req as { method: string }).method === "POST") gap("arrived");
  return emit();
});
wrap(ServerResponse.prototype, "end", (end) => {
  const response = end() as ServerResponse;
  if (response.req.method === "POST") setImmediate(() => gap("replied"));
  return response;
});
