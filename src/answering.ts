import { PLAIN } from "./domain/error-form.ts";
import type { Voice } from "./domain/error-form.ts";
import { dropping, endToEnd, via } from "./domain/headers.ts";
import type { RawHeaders } from "./domain/headers.ts";
import type { Problem } from "./domain/problem.ts";
import { publicationOf } from "./domain/publication.ts";
import * as refusal from "./domain/refusal.ts";
import type { Kept } from "./domain/replay.ts";
import type { Rule } from "./domain/rule.ts";
import type { Operation } from "./operation.ts";
import type { Reply, Request } from "./request.ts";

/** A problem as the client's API would say it. */
export function refuse(request: Request, problem: Problem, say: Voice = PLAIN): Reply {
  const { status, headers, body } = say(problem, request.id);
  return { outcome: problem.code, status, headers, body };
}

/** What is said to anybody who asks for the rules. */
export function publish(rules: readonly Rule[]): Reply {
  const headers = ["Content-Type", "application/json", "Cache-Control", "no-cache"];
  return { outcome: "published", status: 200, headers, body: Buffer.from(JSON.stringify(publicationOf(rules))) };
}

/** A client would wait for that body (RFC 9110, section 8.6). */
const NOT_IN_204 = dropping(["content-length"]);

export type UpstreamAnswer = { status: number; headers: RawHeaders; body: Reply["body"] };

/** The upstream's answer as it goes to the client, with what the gateway has to `add`. */
export function fromUpstream(
  outcome: Reply["outcome"],
  { status, headers, body }: UpstreamAnswer,
  add: readonly string[],
): Reply {
  const passed = endToEnd(headers, status === 204 ? NOT_IN_204 : undefined);
  return { outcome, status, headers: [...passed, "Via", via("1.1"), ...add], body };
}

const SOURCES = { "operator-answer": "operator", "probe-answer": "probe" };

/** What is kept of a completed operation, as its retry gets it. `as`: a duplicate of it does. */
export function replay({ request, say }: Operation, kept: Kept, as?: "duplicate"): Reply {
  switch (kept.kind) {
    case "answer":
    case "operator-answer":
    case "probe-answer": {
      const sources = [...(kept.kind === "answer" ? [] : [SOURCES[kept.kind]]), ...(as === undefined ? [] : [as])];
      const marks = sources.length === 0 ? [] : ["Idempotency-Source", sources.join(", ")];
      return fromUpstream("replayed", kept, ["Idempotent-Replayed", "true", ...marks]);
    }
    case "executed":
      return refuse(request, refusal.alreadyCompleted(), say);
    case "head": {
      const reply = refuse(request, refusal.notKept(kept.status, kept.location), say);
      if (kept.location !== undefined) reply.headers.push("Location", kept.location);
      return reply;
    }
  }
}
