import { setTimeout as sleep } from "node:timers/promises";
import type { Accepted } from "./acceptance.ts";
import type { Continuity, Standing } from "./continuity.ts";
import type { NameSecret } from "./name-secret.ts";
import { StoreError } from "./records.ts";

export type LossSettings = {
  continuity: Continuity;
  nameSecret: NameSecret;
  /** Accept every loss as soon as it is noticed, in this name. */
  acceptAs: string | undefined;
  /** Hears of every change, and how it stands at first. */
  onChange: (standing: Standing, before: Standing | undefined) => void;
};

const AGAIN_MS = 1_000;

/** What becomes of a loss that the continuity noticed: somebody is told, and somebody accepts it. */
export class Loss {
  readonly #settings: LossSettings;

  constructor(settings: LossSettings) {
    this.#settings = settings;
    const { continuity, acceptAs: by, onChange } = settings;
    let before: Standing | undefined;
    continuity.onChange((standing) => {
      onChange(standing, before);
      before = standing;
      if (standing.kind === "lost" && by !== undefined) void this.#acceptUntilDone({ by, why: standing.why });
    });
  }

  get standing(): Standing {
    return this.#settings.continuity.standing;
  }

  /** How it stands now, not at the last look. Throws StoreError while the store cannot be asked. */
  async look(): Promise<Standing> {
    await this.#settings.continuity.look();
    return this.standing;
  }

  /** While everybody is stopped, so that nobody makes another secret of names. Throws StoreError where it has to be said again. */
  async accept(said: { by: string; why: string }): Promise<Accepted> {
    const { continuity, nameSecret } = this.#settings;
    if ((await this.look()).kind === "lost") await nameSecret.restore();
    return continuity.accept(said);
  }

  async #acceptUntilDone(said: { by: string; why: string }): Promise<void> {
    for (let isFirst = true; this.standing.kind === "lost"; isFirst = false) {
      if (!isFirst) await sleep(AGAIN_MS, undefined, { ref: false });
      await this.accept(said).catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
      });
    }
  }
}
