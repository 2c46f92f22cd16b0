import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { answerDigest } from "./digest.ts";
import type { Ending } from "./history.ts";
import type { Leaving } from "./operation.ts";
import type { Behaviour } from "./upstream/behaviour.ts";

export type Sending = {
  port: number;
  authorization: string;
  key: string;
  body: string;
  behaviour: Behaviour;
  leaves?: { phase: Leaving; afterMs: number } | undefined;
  agent: Agent;
};

/** A client gives up on an answer by itself after this; longer than the gateway's patience. */
const GIVES_UP_AFTER_MS = 6_000;

/** One request of a client, as a real HTTP library sends it; never rejects. `retryAfterMs`: as the answer asks. */
export function send(sending: Sending): Promise<{ ending: Ending; retryAfterMs: number }> {
  const { port, authorization, key, body, behaviour, leaves, agent } = sending;
  return new Promise((resolve) => {
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "x-idempotency-key": key,
      "x-chaos": JSON.stringify(behaviour),
      authorization,
    };
    const req = request({ host: "127.0.0.1", port, method: "POST", path: "/invoices", headers, agent });
    let hasLeft = false;
    const end = (ending: Ending, retryAfterMs = 0): void => {
      clearTimeout(patience);
      resolve({ ending, retryAfterMs });
    };
    const leave = (): void => {
      hasLeft = true;
      req.destroy();
      end({ kind: "left" });
    };
    const leaveAt = (phase: Leaving): void => {
      if (leaves?.phase === phase) setTimeout(leave, leaves.afterMs);
    };
    const patience = setTimeout(() => {
      req.destroy();
      end({ kind: "broken", why: "no answer in time" });
    }, GIVES_UP_AFTER_MS);

    req.on("error", (error: NodeJS.ErrnoException) => {
      end(hasLeft ? { kind: "left" } : { kind: "broken", why: error.code ?? error.message });
    });
    req.on("response", (res) => {
      leaveAt("at-answer");
      read(res, () => {
        if (leaves?.phase === "in-answer") leave();
      }).then(
        (ending) => end(ending, Number(res.headers["retry-after"] ?? 0) * 1_000),
        (error: Error) => end(hasLeft ? { kind: "left" } : { kind: "broken", why: error.message }),
      );
    });
    if (leaves?.phase === "at-connect") return leaveAt("at-connect");
    if (leaves?.phase === "in-head") {
      req.flushHeaders();
      return leaveAt("in-head");
    }
    if (leaves?.phase === "in-body") {
      req.write(body.slice(0, body.length / 2));
      return leaveAt("in-body");
    }
    req.end(body, () => leaveAt("behind-body"));
  });
}

async function read(res: IncomingMessage, onFirst: () => void): Promise<Ending> {
  const parts: Buffer[] = [];
  for await (const part of res as AsyncIterable<Buffer>) {
    parts.push(part);
    if (parts.length === 1) onFirst();
  }
  if (!res.complete) throw new Error("cut answer");
  const body = Buffer.concat(parts);
  const isProblem = res.headers["content-type"] === "application/problem+json";
  return {
    kind: "answer",
    status: res.statusCode ?? 0,
    ...(isProblem ? { code: String((JSON.parse(body.toString()) as { code: unknown }).code) } : {}),
    replayed: res.headers["idempotent-replayed"] === "true",
    stored: res.headers["idempotency-stored"] !== "false",
    cookie: res.headers["set-cookie"] !== undefined,
    body: answerDigest(res.headers, body),
  };
}
