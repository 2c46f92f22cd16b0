import { targetOf } from "./domain/question.ts";
import type { Question } from "./domain/question.ts";
import type { Answer } from "./domain/replay.ts";
import type { Share } from "./budget.ts";
import type { Operation } from "./operation.ts";
import { within } from "./patience.ts";
import type { Upstream } from "./upstream/execute.ts";
import type { Execution } from "./upstream/try.ts";

/** A read takes no longer, and a client waits for its answer. */
const ANSWER_WITHIN_MS = 10_000;

/** What is about the client's request and not about who sends it; and no answer of a cache is asked for. */
const NOT_ASKED = /^(?:content-.*|if-.*|range|prefer|trailer|cache-control|pragma)$/i;

export type Asking = { upstream: Upstream; share: Share };

/**
 * Asks the API as the client would: with all headers of its request but those about its body, its conditions and its key. undefined
 * where no whole answer came in time, or the request lacks what the question is made of. `onEnd`: the API is not busy with it any more.
 */
export async function ask(
  { method, target: template }: Question,
  { request, rule, input }: Operation,
  { upstream, share, onEnd = () => {} }: Asking & { onEnd?: () => void },
): Promise<Answer | undefined> {
  const target = targetOf(template, input);
  if (target === undefined) {
    onEnd();
    return undefined;
  }
  const sent = request.outgoingHeaders();
  const headers = ["Cache-Control", "no-cache"];
  for (let i = 0; i < sent.length; i += 2) {
    const name = sent[i]!;
    if (!NOT_ASKED.test(name) && !rule.key.headers.includes(name.toLowerCase())) headers.push(name, sent[i + 1]!);
  }
  const asking = upstream.execute({ method, target, headers, body: Buffer.alloc(0) }, { maySend: () => true, share });
  void asking.finally(onEnd);
  const execution = await within(ANSWER_WITHIN_MS, asking);
  if (execution === undefined) void asking.then((late) => letGo(late, share));
  if (execution?.kind === "answered") return execution.answer;
  if (execution?.kind !== "overflowed") return undefined;
  letGo(execution, share);
  return { ...execution, body: Buffer.alloc(0) };
}

/** An answer that nobody reads. */
function letGo(execution: Execution, share: Share): void {
  if (execution.kind === "overflowed") execution.body.destroy();
  share.giveBack();
}
