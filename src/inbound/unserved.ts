import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { problemAnswer } from "../domain/problem.ts";
import type { Problem } from "../domain/problem.ts";
import type { Request, RequestEnd } from "../request.ts";
import { writeLast } from "./reply.ts";

/** Requests that Node has no response object for: what is no HTTP, CONNECT, upgrades. Counted and logged as any request is. */
type Told = { onStart: () => void; onEnd: (end: RequestEnd) => void };

export function refuseUnserved(
  { onStart, onEnd }: Told,
  socket: Duplex,
  problem: Problem,
  { id, method, path }: Pick<Request, "id" | "method" | "path">,
  why: string,
): void {
  const answer = problemAnswer(problem, id);
  writeLast(socket, answer);
  onStart();
  onEnd({ requestId: id, method, path, status: answer.status, outcome: problem.code, ms: 0, facts: { why } });
}

/**
 * An upgrade that is passed on: it ends with its connection, to how the returned object is filled in by then. When the gateway
 * stops it is not waited for, since a WebSocket has no end of its own.
 */
export function beginUnserved(
  { onStart, onEnd }: Told,
  socket: Socket,
  { id: requestId, method, path, facts }: Request,
): RequestEnd {
  const startedAt = performance.now();
  const end: RequestEnd = { requestId, method, path, status: 0, outcome: "pass-through", ms: 0, facts };
  onStart();
  socket.once("close", () => onEnd({ ...end, ms: performance.now() - startedAt }));
  return end;
}
