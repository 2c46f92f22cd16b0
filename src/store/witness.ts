import { randomBytes } from "node:crypto";

/** A count is kept for so long after its process's last claim: processes come and go. */
export const WITNESS_MS = 35 * 86_400_000;
/** Longer without a claim, and the count may be gone from that partition. */
const REMEMBERED_MS = 30 * 86_400_000;

/** Of the process whose claims are counted: no two have the same, and none has it again after a restart. */
export function processName(): string {
  return randomBytes(9).toString("base64url");
}

/** What a store acknowledged to this process, by partition: the number of its last claim there. */
export class Witness {
  #last = new Map<number, { count: number; at: number }>();

  /** 0 where there is nothing to miss. */
  count(partition: number): number {
    const last = this.#last.get(partition);
    return last !== undefined && Date.now() - last.at < REMEMBERED_MS ? last.count : 0;
  }

  /** In whatever order answers arrive. */
  acknowledged(partition: number, count: number): void {
    this.#last.set(partition, { count: Math.max(this.count(partition), count), at: Date.now() });
  }

  forget(): void {
    this.#last = new Map();
  }
}
