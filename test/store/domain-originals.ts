import { isSame, stand } from "../../src/domain/original.ts";
import type { Candidacy, Original } from "../../src/domain/original.ts";
import type { Name } from "../../src/domain/record.ts";
import type { Originals } from "../../src/store/originals.ts";

/** The domain's function on a map that nothing expires in: what a store is, without a store. */
export class DomainOriginals implements Originals {
  readonly #kept = new Map<Name, Original>();

  stand: Originals["stand"] = async (likeness: Name, candidacy: Candidacy) => {
    const answer = stand(this.#kept.get(likeness), candidacy);
    if (answer.kind === "stands") this.#kept.set(likeness, candidacy.own);
    return answer;
  };

  keep: Originals["keep"] = async (likeness, own, keepMs) => {
    const current = this.#kept.get(likeness);
    if (current !== undefined && isSame(current, own) && keepMs === 0) this.#kept.delete(likeness);
  };
}
