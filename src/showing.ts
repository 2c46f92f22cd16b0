import { refuse, replay } from "./answering.ts";
import { ask } from "./asking.ts";
import type { Asking } from "./asking.ts";
import type { Token } from "./domain/record.ts";
import * as refusal from "./domain/refusal.ts";
import type { Kept } from "./domain/replay.ts";
import type { Operation } from "./operation.ts";
import type { Reply } from "./request.ts";

/** What is kept of a completed operation, where this client may see it. `as`: it is a duplicate of it. */
export async function show(
  operation: Operation,
  { credential, kept }: { credential: Token; kept: Kept },
  asking: Asking,
  as?: "duplicate",
): Promise<Reply> {
  return (await reasonNotToShow(operation, credential, asking)) ?? replay(operation, kept, as);
}

/** The API's yes, where the rule asks for it at every replay; else the credential of the first request, or a scope to be trusted. */
async function reasonNotToShow(operation: Operation, executedWith: Token, asking: Asking): Promise<Reply | undefined> {
  const { request, rule, credential, say } = operation;
  if (rule.authorize !== undefined && !rule.isObserved) {
    const answer = await ask(rule.authorize, operation, asking);
    if (answer === undefined || answer.status >= 500) return refuse(request, refusal.authorizationUnheard(), say);
    return answer.status < 300 ? undefined : refuse(request, refusal.notAuthorized(answer.status), say);
  }
  if (executedWith === credential || rule.trustScope) return undefined;
  return refuse(request, refusal.credentialChanged(), say);
}
