import type { Contact } from "../marks.ts";
import { fieldsOf } from "./greeting.ts";

/** Who was met behind the addresses that are in use: tells a new connection to the same server from one to another, or restarted, one. */
export class Contacts {
  /** By address: the id that a Redis draws when it starts. */
  readonly #runIds = new Map<string, string>();
  #made = 0;
  #anotherAt: number | undefined;

  /** A server that is used from now on, again perhaps: it may have gone on without us meanwhile. */
  begin(place: string): void {
    this.#runIds.delete(place);
  }

  /** At every greeting. A slot that moves to a server that is in use meets nobody new. */
  greeted(place: string, info: string): void {
    const runId = fieldsOf(info)("run_id") ?? "";
    this.#made++;
    if (![...this.#runIds.values()].includes(runId)) this.#anotherAt = performance.now();
    this.#runIds.set(place, runId);
  }

  contact(): Contact {
    return { made: this.#made, anotherAt: this.#anotherAt };
  }
}
