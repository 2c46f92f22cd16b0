import { targetOf } from "./domain/question.ts";
import type { Question } from "./domain/question.ts";
import { callerHeaders } from "./domain/rule.ts";
import { readSource } from "./domain/source.ts";
import type { Answer } from "./domain/replay.ts";
import type { Share } from "./budget.ts";
import type { Operation } from "./operation.ts";
import { within } from "./patience.ts";
import type { Upstream } from "./upstream/execute.ts";
import type { Execution } from "./upstream/try.ts";

/** A read takes no longer, and a client waits for its answer. */
const ANSWER_WITHIN_MS = 10_000;

/** Of the client's headers, who sends it; of the gateway's own, where it comes from. What else a client sends is about its own request. */
const CALLER = ["authorization", "x-api-key", "cookie"];
const WAY = ["host", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
/** No answer of a cache; and what a client would say of itself. */
const OWN = ["Cache-Control", "no-cache", "Accept", "application/json, */*;q=0.1", "User-Agent", "oncegate"];
/** As a value of a header can be sent on, and nothing else be written with it. */
const SENDABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

export type Asking = { upstream: Upstream; share: Share };

/**
 * Asks the API in the client's name: with its credential, and what the rule says besides. undefined where no whole answer came in time, or
 * the request lacks what the question is made of. `onEnd`: the API is not busy with it any more.
 */
export async function ask(
  question: Question,
  { request, rule, input }: Operation,
  { upstream, share, onEnd = () => {} }: Asking & { onEnd?: () => void },
): Promise<Answer | undefined> {
  const target = targetOf(question.target, input);
  const named = question.headers.map(({ name, source }) => ({ name, value: readSource(source, input) ?? "" }));
  if (target === undefined || named.some(({ value }) => value !== "" && !SENDABLE.test(value))) {
    onEnd();
    return undefined;
  }
  const { method } = question;
  const passed = new Set([...WAY, ...CALLER, ...callerHeaders(rule)]);
  for (const { name } of named) passed.delete(name);
  const sent = request.outgoingHeaders();
  const headers = [...OWN];
  for (let i = 0; i < sent.length; i += 2) if (passed.has(sent[i]!.toLowerCase())) headers.push(sent[i]!, sent[i + 1]!);
  for (const { name, value } of named) if (value !== "") headers.push(name, value);
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
