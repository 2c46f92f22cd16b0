import { Readable } from "node:stream";
import { dropping, endToEnd, valuesOf } from "../../src/domain/headers.ts";
import type { Reply } from "../../src/request.ts";
import type { Asked } from "./pipeline-client.ts";
import type { Sent } from "./pipeline-ledger.ts";
import { OPERATORS_ANSWER } from "./pipeline-operator.ts";
import type { Ask } from "./pipeline-script.ts";
import { CLIENT_WAIT_MS } from "./pipeline-world.ts";

/** A reply as its client sees it: status, headers and body also as one text that compares. */
export type Seen = {
  of: Asked;
  ask: Ask;
  status: number;
  outcome: Reply["outcome"];
  headers: string[];
  text: string;
  /** For the printed counterexample. */
  toJSON(): unknown;
};

/** The replies that clients got, but for those of gateways that crashed. */
export function all(asked: readonly Asked[]): Seen[] {
  return asked.flatMap((of) => {
    const { ask, reply, gateway } = of;
    if (reply === undefined || reply.outcome === "pass-through" || gateway.link.isDead) return [];
    const { status, outcome, headers } = reply;
    const text = asText(reply);
    return [{ of, ask, status, outcome, headers, text, toJSON: () => [ask, status, outcome, text] }];
  });
}

/** A streamed body is given out by the API as it is. */
function asText({ status, headers, body }: Pick<Reply, "status" | "headers" | "body">): string {
  const bytes = body instanceof Readable ? "(streamed)" : Buffer.from(body).toString("latin1");
  return [status, ...headers, bytes].join("\n");
}

/** The gateway's own words, not the API's. */
export const isProblem = ({ headers }: Seen): boolean =>
  valuesOf(headers, "content-type")[0] === "application/problem+json";

/** What may be said to that request in the API's name: to the first client its answer, to later ones its replay. */
export function genuine({ of, ask, outcome, headers }: Seen, sent: readonly Sent[]): string[] {
  if (outcome !== "replayed") {
    const stored = valuesOf(headers, "idempotency-stored")[0] === "false" ? ["Idempotency-Stored", "false"] : [];
    return of.sent === undefined ? [] : [passedOn(of.sent, stored, [])];
  }
  const itsOwn = sent.filter(({ asked }) =>
    (["key", "scope", "credential", "body"] as const).every((part) => asked.ask[part] === ask[part]),
  );
  return [...itsOwn.map(replayOf), OPERATORS_REPLAY];
}

export function replayOf(sent: Sent): string {
  return passedOn(sent, ["Idempotent-Replayed", "true"], ["set-cookie"]);
}

const OPERATORS_REPLAY = asText({
  ...OPERATORS_ANSWER,
  headers: ["Via", "1.1 oncegate", "Idempotent-Replayed", "true", "Idempotency-Source", "operator"],
});

function passedOn({ answer, asked }: Sent, added: readonly string[], without: string[]): string {
  const headers = [...endToEnd(answer.headers, dropping(without)), "Via", "1.1 oncegate", ...added];
  const isStreamed = asked.ask.fate === "large";
  return asText({ ...answer, headers, body: isStreamed ? Readable.from([]) : answer.body });
}

/** The API's answer came after the store's word on it, or says that it did not. */
export function isSettled(seen: Seen): boolean {
  const { of, outcome, headers } = seen;
  if (isProblem(seen) || outcome === "replayed") return true;
  if (valuesOf(headers, "idempotency-stored")[0] === "false")
    return of.gateway.link.hasFailed || of.sent?.isOverlooked === true;
  const own = of.recordThen?.owner === of.heard?.owner ? of.recordThen : undefined;
  if (outcome === "completed") return own?.state === "completed";
  if (outcome === "released") return own === undefined || isTakenByCopy(of);
  return own?.state !== "executing";
}

/** A late copy of its claim has taken the key that its release had freed. It is withdrawn: "what stands in the end" looks for it. */
function isTakenByCopy({ claims, heard }: Asked): boolean {
  const last = claims.at(-1);
  return last !== heard && last?.answer.kind === "claimed";
}

/** What the table of DESIGN, section 3, has for such a request, as "status outcome"; more than one where time or the store decides. */
export function inTheTable(asked: Asked): string[] {
  const { heard, sent, ask, gateway, startedAt, endedAt = Infinity } = asked;
  const unavailable = sent === undefined && gateway.link.hasFailed ? ["503 store-unavailable"] : [];
  switch (heard?.answer.kind) {
    case undefined:
    case "too_late":
    case "store_lost":
      return unavailable;
    case "in_flight":
      if (heard.stood?.owner === heard.owner) return unavailable; // its own, of an earlier sending
      return ["409 operation-in-flight", ...unavailable];
    case "mismatch":
      return ["422 key-reused", ...unavailable];
    case "unknown":
      if (heard.answer.record.owner === heard.owner) return unavailable; // its own: nothing was sent
      return ["409 outcome-unknown", ...unavailable];
    case "completed":
      return ["201 replayed", "500 replayed", "200 replayed", "409 credential-changed", "409 response-not-kept"];
    case "claimed":
    case "yours":
      if (endedAt - startedAt >= CLIENT_WAIT_MS) return [OF_FATE[ask.fate], ...unavailable, "504 still-running"];
      return [OF_FATE[ask.fate], ...unavailable];
  }
}

const OF_FATE: Record<Ask["fate"], string> = {
  stored: "201 completed",
  large: "201 completed",
  failed: "500 completed",
  released: "422 released",
  doubted: "503 unknown",
  acted: "504 unknown",
  vanished: "502 unknown",
  unreachable: "503 upstream-unreachable",
  unsendable: "400 bad-request",
  fault: "a rejection",
};
