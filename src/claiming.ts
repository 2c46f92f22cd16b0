import type { Duplicates, OfOriginal } from "./admission/duplicates.ts";
import type { Name } from "./domain/record.ts";
import type { Operation } from "./operation.ts";
import type { Lease } from "./store/lease.ts";
import type { Claim, Owner } from "./store/owner.ts";
import { StoreError } from "./store/records.ts";

/** `duplicate`: the key is free, but another operation is the original of what was asked for. */
export type Claimed = Claim | { kind: "duplicate"; of: OfOriginal };

type Claiming = { owner: Owner; duplicates: Duplicates };

/**
 * Claims the key and then, where the rule eliminates duplicates, the place of their original; permits the first byte unless the
 * operation has to wait for its turn. What a duplicate claimed is released again: a retry of it is the same duplicate.
 * Throws StoreError where the store cannot be asked: nothing may be sent then.
 */
export function claimAsFirst(operation: Operation, { owner, duplicates }: Claiming): Promise<Claimed> {
  const { name, fingerprint, credential, isNameCurrent, document, likeness } = operation;
  const into = document === undefined && likeness === undefined ? "executing" : "claimed";
  const ofKey = owner.claim(name, { fingerprint, credential }, isNameCurrent, into);
  return likeness === undefined ? ofKey : ofKey.then((claim) => asOriginal(operation, likeness, claim, duplicates));
}

async function asOriginal(
  operation: Operation,
  likeness: Name,
  ofKey: Claim,
  duplicates: Duplicates,
): Promise<Claimed> {
  if (ofKey.kind !== "claimed") return ofKey;
  const { lease } = ofKey;
  let claimed: Claimed | undefined;
  try {
    claimed = (await reasonNotToBegin(operation, likeness, lease, duplicates)) ?? ofKey;
    return claimed;
  } finally {
    if (claimed !== ofKey) await lease.release();
  }
}

async function reasonNotToBegin(
  { request, rule, isNameCurrent, isAnother, document }: Operation,
  likeness: string,
  lease: Lease,
  duplicates: Duplicates,
): Promise<Exclude<Claimed, { kind: "claimed" }> | undefined> {
  const { windowMs = 0, action } = rule.duplicates ?? {};
  const entered = await duplicates.enter(likeness, lease, { windowMs, isNameCurrent });
  if (entered.kind === "store_lost") return { kind: entered.kind };
  if (entered.kind === "duplicate" && !isAnother) {
    if (action !== "observe" || rule.isObserved) return entered;
    request.facts.observed = "duplicate";
  }
  if (document !== undefined) return undefined; // it begins when it is its turn
  const begun = await lease.begin();
  if (begun === "lost") throw new StoreError("unsent", "the claim was over before the operation could begin");
  return begun === "begun" ? undefined : { kind: begun };
}
